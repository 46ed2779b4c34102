package server_test

import (
	"io"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/inprocess"
	"github.com/gatehouse-auth/gatehouse/server/interceptor"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

const (
	issuer      = "https://mcp.example.com"
	resource    = issuer + "/mcp"
	redirectURI = "https://app.example/cb"
	pkce        = "a-verifier-of-at-least-forty-three-characters-x"
)

// rig is a core with a fake provider, a clock that the test moves, and the edge's way in.
type rig struct {
	gatehousev1.AuthServiceClient
	admin gatehousev1.AdminServiceClient
	idp   *upstreamtest.FakeIdP
	clock *upstreamtest.Clock
	core  *server.Core
	log   io.Writer // where the core's log goes; nowhere when nil
}

func newRig(t *testing.T, settings ...string) *rig {
	t.Helper()
	return newRigIn(t, t.TempDir(), settings...)
}

// newRigIn is newRig on a data directory.
func newRigIn(t *testing.T, dir string, settings ...string) *rig {
	t.Helper()
	r := &rig{idp: upstreamtest.New(t), clock: &upstreamtest.Clock{}}
	r.clock.Set(time.Now().UTC().Truncate(time.Second))
	r.idp.SetClock(r.clock.Now)
	r.start(t, dir, settings...)
	return r
}

// open opens a core on a data directory.
func (r *rig) open(t *testing.T, dir string, settings ...string) (*server.Core, error) {
	t.Helper()
	cfg, err := config.Load(config.Sources{Environ: append([]string{
		"MCP_SERVER_BASE_URL=" + issuer,
		"GATEHOUSE_DATA_DIR=" + dir,
	}, settings...)})
	if err != nil {
		t.Fatal(err)
	}
	providerConfig := r.idp.Config(cfg.CallbackURL())
	providerConfig.Now = r.clock.Now
	provider, err := upstream.NewOIDC(providerConfig)
	if err != nil {
		t.Fatal(err)
	}
	return server.Open(t.Context(), server.Deps{
		Config:   cfg,
		Provider: provider,
		Logger:   r.logger(),
		Random:   secret.NewSource(nil),
		Now:      r.clock.Now,
	})
}

func (r *rig) logger() *slog.Logger {
	if r.log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(r.log, nil))
}

// start opens the core on a data directory, and closes it when the test ends.
func (r *rig) start(t *testing.T, dir string, settings ...string) {
	t.Helper()
	core, err := r.open(t, dir, settings...)
	if err != nil {
		t.Fatal(err)
	}
	r.core = core
	t.Cleanup(func() {
		if err := core.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	channel := inprocess.NewChannel(r.core.Chain(interceptor.InProcessGate(interceptor.NewTable())))
	r.core.Register(channel)
	r.AuthServiceClient = gatehousev1.NewAuthServiceClient(channel)
	r.admin = gatehousev1.NewAdminServiceClient(channel)
}

// register registers a public client.
func (r *rig) register(t *testing.T, uris ...string) string {
	t.Helper()
	if len(uris) == 0 {
		uris = []string{redirectURI}
	}
	client, err := r.RegisterClient(t.Context(), &gatehousev1.RegisterClientRequest{
		RedirectUris:            uris,
		TokenEndpointAuthMethod: "none",
		ClientName:              "Test client",
	})
	if err != nil {
		t.Fatal(err)
	}
	return client.GetClientId()
}

// request is a good authorization request.
func request(clientID string) *gatehousev1.BeginAuthorizationRequest {
	uri, state := redirectURI, "client state &?="
	return &gatehousev1.BeginAuthorizationRequest{
		ClientId:            clientID,
		RedirectUri:         &uri,
		ResponseType:        "code",
		CodeChallenge:       string(oauth.ChallengeOf(pkce)),
		CodeChallengeMethod: "S256",
		State:               &state,
	}
}

// begin starts a transaction and returns its handle.
func (r *rig) begin(t *testing.T, req *gatehousev1.BeginAuthorizationRequest) string {
	t.Helper()
	begun, err := r.BeginAuthorization(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if begun.GetConsent() == nil {
		t.Fatalf("refused: %v", begun.GetRedirect())
	}
	return begun.GetConsent().GetHandle()
}

// decide answers the consent page.
func (r *rig) decide(t *testing.T, handle, pageSecret string, decision gatehousev1.DecideConsentRequest_Decision) (*gatehousev1.DecideConsentResponse, error) {
	t.Helper()
	return r.DecideConsent(t.Context(), &gatehousev1.DecideConsentRequest{
		Handle: handle, PageSecret: pageSecret, Decision: decision,
	})
}

// allow approves and logs in at the provider. What it returns is the callback that has not happened yet.
func (r *rig) allow(t *testing.T, handle string) *gatehousev1.CompleteAuthorizationRequest {
	t.Helper()
	decided, err := r.decide(t, handle, "page", gatehousev1.DecideConsentRequest_DECISION_ALLOW)
	if err != nil {
		t.Fatal(err)
	}
	return callback(t, decided.GetUpstream(), r.idp.Authorize(decided.GetUpstream().GetUri(), "alice"))
}

// callback is the provider's redirect as the edge passes it on.
func callback(t *testing.T, redirect *gatehousev1.UpstreamRedirect, location string) *gatehousev1.CompleteAuthorizationRequest {
	t.Helper()
	query := parse(t, location).Query()
	return &gatehousev1.CompleteAuthorizationRequest{
		State:         query.Get("state"),
		BrowserSecret: redirect.GetBrowserSecret(),
		Code:          query.Get("code"),
		Error:         query.Get("error"),
		Iss:           query.Get("iss"),
	}
}

// code walks to an authorization code.
func (r *rig) code(t *testing.T, clientID string) string {
	t.Helper()
	done, err := r.CompleteAuthorization(t.Context(), r.allow(t, r.begin(t, request(clientID))))
	if err != nil {
		t.Fatal(err)
	}
	code := parse(t, done.GetRedirect().GetUri()).Query().Get("code")
	if code == "" {
		t.Fatalf("no code: %v", done.GetRedirect())
	}
	return code
}

// tokenRequest is a good token request.
func tokenRequest(clientID, code string) *gatehousev1.ExchangeTokenRequest {
	return &gatehousev1.ExchangeTokenRequest{
		GrantType:    "authorization_code",
		ClientId:     clientID,
		Code:         code,
		RedirectUri:  redirectURI,
		CodeVerifier: pkce,
	}
}

// login walks the whole flow.
func (r *rig) login(t *testing.T) *gatehousev1.ExchangeTokenResponse {
	t.Helper()
	clientID := r.register(t)
	tokens, err := r.ExchangeToken(t.Context(), tokenRequest(clientID, r.code(t, clientID)))
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// verify asks about a token.
func (r *rig) verify(t *testing.T, token string) *gatehousev1.VerifyTokenResponse {
	t.Helper()
	verdict, err := r.VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{Token: token, Resource: resource})
	if err != nil {
		t.Fatal(err)
	}
	return verdict
}

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
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

// wantReason fails the test unless err has the OAuth error code.
func wantReason(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || reason(err) != want {
		t.Errorf("error = %v (%s), want %s", err, reason(err), want)
	}
}
