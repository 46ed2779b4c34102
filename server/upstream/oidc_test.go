package upstream_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOIDCIsAProvider(t *testing.T) {
	for _, style := range []upstream.AuthStyle{upstream.AuthBasic, upstream.AuthPost} {
		t.Run(string(style), func(t *testing.T) {
			upstreamtest.RunProvider(t, func(t *testing.T, f *upstreamtest.FakeIdP) upstream.Provider {
				t.Helper()
				return newProvider(t, f, func(c *upstream.OIDCConfig) { c.AuthStyle = style })
			})
		})
	}
}

// rig is a provider, our side of it, and a clock that both share.
type rig struct {
	*upstreamtest.FakeIdP
	clock    *upstreamtest.Clock
	provider *upstream.OIDC
}

var start = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

func newRig(t *testing.T, changes ...func(*upstream.OIDCConfig)) rig {
	t.Helper()
	f := upstreamtest.New(t)
	clock := &upstreamtest.Clock{}
	clock.Set(start)
	f.SetClock(clock.Now)
	return rig{FakeIdP: f, clock: clock, provider: newProvider(t, f, changes...)}
}

func newProvider(t *testing.T, f *upstreamtest.FakeIdP, changes ...func(*upstream.OIDCConfig)) *upstream.OIDC {
	t.Helper()
	config := f.Config(upstreamtest.CallbackURL)
	for _, change := range changes {
		change(&config)
	}
	p, err := upstream.NewOIDC(config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// exchange logs alice in and returns whatever comes of it.
func (r rig) exchange(t *testing.T) (upstream.Login, error) {
	t.Helper()
	return r.provider.Exchange(t.Context(), r.Begin(t, r.provider, "alice").Exchange())
}

func wantKind(t *testing.T, err error, want upstream.Kind) {
	t.Helper()
	if got := upstream.KindOf(err); got != want {
		t.Errorf("kind %q, want %q: %v", got, want, err)
	}
}

func TestAuthorizationURLBindsTheRequest(t *testing.T) {
	r := newRig(t)
	location, err := r.provider.AuthorizationURL(t.Context(), upstream.AuthorizationRequest{
		State: secret.NewText("the-state"), Nonce: secret.NewText("the-nonce"),
		// The example of RFC 7636 appendix B.
		Verifier: secret.NewText("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
	})
	if err != nil {
		t.Fatal(err)
	}
	endpoint, rawQuery, _ := strings.Cut(location, "?")
	if want := r.Issuer() + string(upstreamtest.Authorization); endpoint != want {
		t.Errorf("endpoint %q, want %q", endpoint, want)
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"response_type": {"code"}, "client_id": {"gatehouse"}, "redirect_uri": {upstreamtest.CallbackURL},
		"scope": {"openid profile email"}, "state": {"the-state"}, "nonce": {"the-nonce"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	if diff := cmp.Diff(want, query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}

func TestAuthorizationRequestNeedsAllItsSecrets(t *testing.T) {
	r := newRig(t)
	x := secret.NewText("x")
	for name, request := range map[string]upstream.AuthorizationRequest{
		"state": {Nonce: x, Verifier: x}, "nonce": {State: x, Verifier: x}, "verifier": {State: x, Nonce: x},
	} {
		if _, err := r.provider.AuthorizationURL(t.Context(), request); err == nil {
			t.Errorf("accepted without %s", name)
		}
	}
}

func TestLoginGivesTheWholeIdentity(t *testing.T) {
	r := newRig(t)
	got := r.LogIn(t, r.provider, "alice")
	want := upstream.Identity{
		Issuer: r.Issuer(), Subject: "a11ce000-0000-4000-8000-000000000001",
		Name: "Alice Example", GivenName: "Alice", FamilyName: "Example", Email: "alice@example.com", EmailVerified: true,
		PreferredUsername: "alice", Groups: []string{"/staff", "/admins"},
	}
	if diff := cmp.Diff(want, got.Identity); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	if got.Tokens.Scope != "openid profile email" {
		t.Errorf("scope %q", got.Tokens.Scope)
	}
	if want := start.Add(5 * time.Minute); !got.Tokens.AccessExpireTime.Equal(want) {
		t.Errorf("access token expires %v, want %v", got.Tokens.AccessExpireTime, want)
	}
	if want := start.Add(30 * time.Minute); !got.Tokens.RefreshExpireTime.Equal(want) {
		t.Errorf("refresh token expires %v, want %v", got.Tokens.RefreshExpireTime, want)
	}
	if n := r.Requests(upstreamtest.Userinfo); n != 0 {
		t.Errorf("userinfo was asked %d times for nothing", n)
	}
}

func TestReadyTellsAProviderThatIsNotThere(t *testing.T) {
	r := newRig(t)
	r.SetFault(upstreamtest.Keys, upstreamtest.Status(http.StatusBadGateway))
	wantKind(t, r.provider.Ready(t.Context()), upstream.KindUnavailable)
	r.SetFault(upstreamtest.Keys, nil)
	r.clock.Advance(3 * time.Second)
	wantKind(t, r.provider.Ready(t.Context()), "")
}
