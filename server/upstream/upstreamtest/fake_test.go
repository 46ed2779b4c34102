package upstreamtest_test

import (
	"net/http"
	"net/url"
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newProvider(t *testing.T, f *upstreamtest.FakeIdP) *upstream.OIDC {
	t.Helper()
	p, err := upstream.NewOIDC(f.Config(upstreamtest.CallbackURL))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReplayedCodeEndsTheSession(t *testing.T) {
	f := upstreamtest.New(t)
	p := newProvider(t, f)
	attempt := f.Begin(t, p, "alice")
	login, err := p.Exchange(t.Context(), attempt.Exchange())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Exchange(t.Context(), attempt.Exchange()); upstream.KindOf(err) != upstream.KindInvalidGrant {
		t.Errorf("replay: %v", err)
	}
	if n := f.Presentations(attempt.Code()); n != 2 {
		t.Errorf("%d presentations", n)
	}
	if _, err := p.Renew(t.Context(), login.Tokens); upstream.KindOf(err) != upstream.KindInvalidGrant {
		t.Errorf("the session lives: %v", err)
	}
}

func TestStrictRotationEndsTheSessionOnReuse(t *testing.T) {
	f := upstreamtest.New(t)
	p := newProvider(t, f)
	first := f.LogIn(t, p, "alice").Tokens
	second, err := p.Renew(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	for name, tokens := range map[string]upstream.Tokens{"spent": first, "its successor": second.Tokens} {
		if name == "its successor" {
			_, _ = p.Renew(t.Context(), first)
		}
		if _, err := p.Renew(t.Context(), tokens); upstream.KindOf(err) != upstream.KindInvalidGrant {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := f.Renewals(); n != 1 {
		t.Errorf("%d renewals", n)
	}
}

func TestDenialComesBackAsAnError(t *testing.T) {
	f := upstreamtest.New(t)
	location, err := newProvider(t, f).AuthorizationURL(t.Context(), f.Begin(t, newProvider(t, f), "bob").Request)
	if err != nil {
		t.Fatal(err)
	}
	callback, err := url.Parse(f.Deny(location))
	if err != nil || callback.Query().Get("error") != "access_denied" || callback.Query().Has("code") {
		t.Errorf("callback %v: %v", callback, err)
	}
}

func TestBrowserThatDoesNotSayIsWhoIsSignedIn(t *testing.T) {
	f := upstreamtest.New(t)
	f.SignIn("bob")
	p := newProvider(t, f)
	attempt := f.Begin(t, p, "alice") // for its request only
	location, err := p.AuthorizationURL(t.Context(), attempt.Request)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(location)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	callback, err := response.Location()
	if err != nil {
		t.Fatal(err)
	}
	attempt.Callback = callback.Query()
	login, err := p.Exchange(t.Context(), attempt.Exchange())
	if err != nil || login.Identity.PreferredUsername != "bob" {
		t.Errorf("%+v: %v", login.Identity, err)
	}
}
