package bench

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

const (
	redirectURI = "https://client.example.org/callback"
	pkce        = "a-verifier-of-at-least-forty-three-characters-x"
)

// client is a registered OAuth client, and what the edge does for it.
type client struct {
	core gatehousev1.AuthServiceClient
	id   string
}

func register(b *testing.B, core gatehousev1.AuthServiceClient) client {
	b.Helper()
	registered, err := core.RegisterClient(b.Context(), &gatehousev1.RegisterClientRequest{
		RedirectUris: []string{redirectURI}, TokenEndpointAuthMethod: "none", ClientName: "Benchmark",
	})
	if err != nil {
		b.Fatal(err)
	}
	return client{core: core, id: registered.GetClientId()}
}

// login walks the whole flow and returns an access token.
func (c client) login(b *testing.B, walk browser) string {
	b.Helper()
	code, err := c.authorize(b.Context(), walk)
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := c.exchange(b.Context(), code)
	if err != nil {
		b.Fatal(err)
	}
	return tokens.GetAccessToken()
}

// browser takes the URL at the provider and returns the query with which the provider sends back.
type browser func(ctx context.Context, uri string) (url.Values, error)

// authorize walks from the authorization request to a code.
func (c client) authorize(ctx context.Context, walk browser) (string, error) {
	uri := redirectURI
	begun, err := c.core.BeginAuthorization(ctx, &gatehousev1.BeginAuthorizationRequest{
		ClientId: c.id, RedirectUri: &uri, ResponseType: "code",
		CodeChallenge: string(oauth.ChallengeOf(pkce)), CodeChallengeMethod: "S256",
	})
	if err != nil {
		return "", err
	}
	if begun.GetConsent() == nil {
		return "", fmt.Errorf("the login was refused: %s", begun.GetRedirect().GetUri())
	}
	decided, err := c.core.DecideConsent(ctx, &gatehousev1.DecideConsentRequest{
		Handle: begun.GetConsent().GetHandle(), PageSecret: "page", Decision: gatehousev1.DecideConsentRequest_DECISION_ALLOW,
	})
	if err != nil {
		return "", err
	}
	query, err := walk(ctx, decided.GetUpstream().GetUri())
	if err != nil {
		return "", err
	}
	done, err := c.core.CompleteAuthorization(ctx, &gatehousev1.CompleteAuthorizationRequest{
		State: query.Get("state"), Code: query.Get("code"), Iss: query.Get("iss"),
		BrowserSecret: decided.GetUpstream().GetBrowserSecret(),
	})
	if err != nil {
		return "", err
	}
	back, err := url.Parse(done.GetRedirect().GetUri())
	if err != nil {
		return "", err
	}
	if !back.Query().Has("code") {
		return "", fmt.Errorf("the login ended with %v", back.Query())
	}
	return back.Query().Get("code"), nil
}

// exchange redeems a code.
func (c client) exchange(ctx context.Context, code string) (*gatehousev1.ExchangeTokenResponse, error) {
	return c.core.ExchangeToken(ctx, &gatehousev1.ExchangeTokenRequest{
		GrantType: "authorization_code", ClientId: c.id, Code: code, RedirectUri: redirectURI, CodeVerifier: pkce,
	})
}
