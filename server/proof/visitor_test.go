package proof_test

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

const (
	issuer      = "https://mcp.example.com"
	resource    = issuer + "/mcp"
	redirectURI = "https://app.example/cb"
	pkce        = "a-verifier-of-at-least-forty-three-characters-x"
	pageSecret  = "page"

	// What the configuration says unless told otherwise, and how long a renewal keeps others away.
	codeTTL = time.Minute
	grace   = time.Minute
	lease   = 30 * time.Second
)

// visitor is what clients and people do at a core and at the provider.
type visitor struct {
	gatehousev1.AuthServiceClient
	idp *upstreamtest.FakeIdP
}

// session is a client's memory of a login.
type session struct {
	clientID string
	access   string
	refresh  string
}

func (v visitor) register(ctx context.Context) (string, error) {
	client, err := v.RegisterClient(ctx, &gatehousev1.RegisterClientRequest{
		RedirectUris: []string{redirectURI}, TokenEndpointAuthMethod: "none", ClientName: "Test client",
		GrantTypes: []string{"authorization_code", "refresh_token"},
	})
	return client.GetClientId(), err
}

// begin starts a login and returns the handle of its consent page.
func (v visitor) begin(ctx context.Context, clientID string) (string, error) {
	uri := redirectURI
	begun, err := v.BeginAuthorization(ctx, &gatehousev1.BeginAuthorizationRequest{
		ClientId: clientID, RedirectUri: &uri, ResponseType: "code",
		CodeChallenge: string(oauth.ChallengeOf(pkce)), CodeChallengeMethod: "S256",
	})
	if err == nil && begun.GetConsent() == nil {
		err = fmt.Errorf("refused: %v", begun.GetRedirect())
	}
	return begun.GetConsent().GetHandle(), err
}

func (v visitor) decide(
	ctx context.Context, handle string, decision gatehousev1.DecideConsentRequest_Decision,
) (*gatehousev1.DecideConsentResponse, error) {
	return v.DecideConsent(ctx, &gatehousev1.DecideConsentRequest{Handle: handle, PageSecret: pageSecret, Decision: decision})
}

// signIn begins a login, approves it and signs in at the provider. The callback is on its way.
func (v visitor) signIn(ctx context.Context, clientID, user string) (*gatehousev1.CompleteAuthorizationRequest, error) {
	handle, err := v.begin(ctx, clientID)
	if err != nil {
		return nil, err
	}
	decided, err := v.decide(ctx, handle, gatehousev1.DecideConsentRequest_DECISION_ALLOW)
	if err != nil {
		return nil, err
	}
	return callback(decided.GetUpstream().GetBrowserSecret(), v.idp.Authorize(decided.GetUpstream().GetUri(), user))
}

// callback is the provider's redirect as the edge passes it on.
func callback(browserSecret, location string) (*gatehousev1.CompleteAuthorizationRequest, error) {
	target, err := url.Parse(location)
	if err != nil {
		return nil, err
	}
	query := target.Query()
	return &gatehousev1.CompleteAuthorizationRequest{
		State: query.Get("state"), BrowserSecret: browserSecret, Code: query.Get("code"), Error: query.Get("error"),
		Iss: query.Get("iss"),
	}, nil
}

// complete sends the callback and returns the code that the client gets, or an error of the client's redirect.
func (v visitor) complete(ctx context.Context, answer *gatehousev1.CompleteAuthorizationRequest) (string, error) {
	done, err := v.CompleteAuthorization(ctx, answer)
	if err != nil {
		return "", err
	}
	target, err := url.Parse(done.GetRedirect().GetUri())
	if err != nil {
		return "", err
	}
	if problem := target.Query().Get("error"); problem != "" {
		return "", clientError(problem)
	}
	return target.Query().Get("code"), nil
}

// clientError is an error code that a client gets in a redirect (RFC 6749 section 4.1.2.1).
type clientError string

func (e clientError) Error() string { return "the client got " + string(e) }

// code walks to an authorization code.
func (v visitor) code(ctx context.Context, clientID, user string) (string, error) {
	answer, err := v.signIn(ctx, clientID, user)
	if err != nil {
		return "", err
	}
	return v.complete(ctx, answer)
}

func exchange(clientID, code string) *gatehousev1.ExchangeTokenRequest {
	return &gatehousev1.ExchangeTokenRequest{
		GrantType: "authorization_code", ClientId: clientID, Code: code, RedirectUri: redirectURI, CodeVerifier: pkce,
	}
}

func (s session) rotation() *gatehousev1.ExchangeTokenRequest {
	return &gatehousev1.ExchangeTokenRequest{GrantType: "refresh_token", ClientId: s.clientID, RefreshToken: s.refresh}
}

// token sends a token request. The session is what the client has afterwards.
func (v visitor) token(ctx context.Context, request *gatehousev1.ExchangeTokenRequest) (session, error) {
	tokens, err := v.ExchangeToken(ctx, request)
	return session{request.GetClientId(), tokens.GetAccessToken(), tokens.GetRefreshToken()}, err
}

// login walks the whole way with a new client.
func (v visitor) login(ctx context.Context, user string) (session, error) {
	clientID, err := v.register(ctx)
	if err != nil {
		return session{}, err
	}
	code, err := v.code(ctx, clientID, user)
	if err != nil {
		return session{}, err
	}
	return v.token(ctx, exchange(clientID, code))
}

func (s session) verification() *gatehousev1.VerifyTokenRequest {
	return &gatehousev1.VerifyTokenRequest{
		Token: s.access, Resource: resource, Freshness: gatehousev1.Freshness_FRESHNESS_STRICT,
	}
}

// reason is the OAuth error code of an error.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return status.Code(err).String()
}
