package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// post sends a form, with the cookies and headers of a request that a test describes.
func (s *site) post(t *testing.T, target string, fields url.Values, change ...func(*http.Request)) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", issuer)
	for _, c := range change {
		c(r)
	}
	return s.serve(r)
}

// signedInto presents a session.
func signedInto(secret string) func(*http.Request) {
	return func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: "__Host-gatehouse-account", Value: "account." + secret})
	}
}

// see shows the account page of a browser with a session.
func (s *site) see(t *testing.T, target string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	signedInto(accountSecret)(r)
	return s.serve(r)
}

func TestAccountAsksToSignIn(t *testing.T) {
	s := newSite(t)
	got := s.get(t, "/account")
	if got.StatusCode != http.StatusOK || !strings.Contains(got.Body, `data-test="sign-in"`) || len(got.Cookies()) != 0 {
		t.Errorf("status %d, cookies %v", got.StatusCode, got.Cookies())
	}
	s.over = true
	if got := s.see(t, "/account"); !strings.Contains(got.Body, `data-test="sign-in"`) || got.Cookies()[0].MaxAge >= 0 {
		t.Error("a session that is over is kept")
	}
}

func TestSigningInBindsTheBrowserAndEndsInASession(t *testing.T) {
	s := newSite(t)
	s.complete = func(in *gatehousev1.CompleteAuthorizationRequest) (*gatehousev1.CompleteAuthorizationResponse, error) {
		if in.GetBrowserSecret() != "secret-of-state-account" {
			t.Errorf("browser secret %q", in.GetBrowserSecret())
		}
		return &gatehousev1.CompleteAuthorizationResponse{Account: &gatehousev1.AccountSession{
			SessionSecret: accountSecret, ExpireTime: timestamppb.New(epoch().Add(30 * time.Minute)),
		}}, nil
	}
	begun := s.post(t, "/account/login", nil)
	if begun.StatusCode != http.StatusOK || !strings.Contains(begun.Body, "https://idp.example.net/auth") || len(begun.Cookies()) != 1 {
		t.Fatalf("status %d, cookies %v", begun.StatusCode, begun.Cookies())
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/callback?code=c&state=state-account", nil)
	r.AddCookie(begun.Cookies()[0])
	done := s.serve(r)
	if done.StatusCode != http.StatusSeeOther || done.Header.Get("Location") != "/account" {
		t.Fatalf("status %d to %s", done.StatusCode, done.Header.Get("Location"))
	}
	for _, cookie := range done.Cookies() {
		if cookie.Name != "__Host-gatehouse-account" {
			continue
		}
		if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.MaxAge != 1800 {
			t.Errorf("cookie = %v", cookie)
		}
		return
	}
	t.Error("no session cookie")
}

func TestAccountShowsWhatIsConnectedAsText(t *testing.T) {
	s := newSite(t)
	s.applications = []*gatehousev1.ConnectedApplication{application("g1", "<b>Claude</b>"), application("g2", "")}
	got := s.see(t, "/account")
	for _, want := range []string{"Ada &lt;Lovelace&gt;", "ada@example.com", "&lt;b&gt;Claude&lt;/b&gt;", "client-of-g2", "22 November 2026", issuer + "/mcp"} {
		if !strings.Contains(got.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(got.Body, accountSecret) {
		t.Error("the page holds the secret of the session")
	}
	if confirm := s.see(t, "/account?disconnect-all"); !strings.Contains(confirm.Body, `data-test="confirm"`) || len(s.disconnected) != 0 {
		t.Error("everything is disconnected without a question")
	}
	s.applications = nil
	if got := s.see(t, "/account"); !strings.Contains(got.Body, `data-test="empty"`) {
		t.Error("an empty account looks broken")
	}
}

func TestDisconnecting(t *testing.T) {
	s := newSite(t)
	csrf := accountToken(accountSecret)
	got := s.post(t, "/account/disconnect", url.Values{"csrf": {csrf}, "grant": {"g1"}}, signedInto(accountSecret))
	if got.StatusCode != http.StatusSeeOther || len(s.disconnected) != 1 || s.disconnected[0].GetGrantId() != "g1" {
		t.Errorf("one: status %d, %v", got.StatusCode, s.disconnected)
	}
	got = s.post(t, "/account/disconnect", url.Values{"csrf": {csrf}, "all": {"yes"}}, signedInto(accountSecret))
	if got.StatusCode != http.StatusSeeOther || len(s.disconnected) != 2 || !s.disconnected[1].GetAll() {
		t.Errorf("all: status %d, %v", got.StatusCode, s.disconnected)
	}
	for _, fields := range []url.Values{{}, {"all": {"no"}}, {"all": {"yes"}, "grant": {"g1"}}, {"grant": {"a", "b"}}} {
		fields.Set("csrf", csrf)
		if got := s.post(t, "/account/disconnect", fields, signedInto(accountSecret)); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: status %d", fields, got.StatusCode)
		}
	}
	if len(s.disconnected) != 2 {
		t.Error("an unclear form disconnected something")
	}
}

func TestSec_rev_logout_csrf(t *testing.T) {
	s := newSite(t)
	good := url.Values{"csrf": {accountToken(accountSecret)}, "grant": {"g1"}, "all": {""}}
	for name, change := range map[string]func(*http.Request){
		"no session":       func(*http.Request) {},
		"another session":  signedInto("other"),
		"two sessions":     func(r *http.Request) { signedInto(accountSecret)(r); signedInto("other")(r) },
		"another site":     func(r *http.Request) { signedInto(accountSecret)(r); r.Header.Set("Origin", "https://evil.example") },
		"cross-site":       func(r *http.Request) { signedInto(accountSecret)(r); r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"no origin at all": func(r *http.Request) { signedInto(accountSecret)(r); r.Header.Del("Origin") },
		"a page cookie": func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "__Host-gatehouse-account", Value: "page." + accountSecret})
		},
		"the name on http": func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "gatehouse-account", Value: "account." + accountSecret})
		},
	} {
		for _, target := range []string{"/account/disconnect", "/account/logout"} {
			if got := s.post(t, target, good, change); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s, %s: status %d", target, name, got.StatusCode)
			}
		}
	}
	bad := url.Values{"csrf": {csrfToken(accountSecret, "")}, "grant": {"g1"}}
	if got := s.post(t, "/account/disconnect", bad, signedInto(accountSecret)); got.StatusCode != http.StatusForbidden {
		t.Errorf("another token: status %d", got.StatusCode)
	}
	if got := s.get(t, "/account/disconnect"); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", got.StatusCode)
	}
	evil := func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }
	if got := s.post(t, "/account/login", nil, evil); got.StatusCode != http.StatusForbidden || len(got.Cookies()) != 0 {
		t.Errorf("sign-in from another site: status %d", got.StatusCode)
	}
	if len(s.disconnected) != 0 || s.signedOut != 0 {
		t.Error("a forged form had an effect")
	}
}

func TestSigningOut(t *testing.T) {
	s := newSite(t)
	got := s.post(t, "/account/logout", url.Values{"csrf": {accountToken(accountSecret)}}, signedInto(accountSecret))
	if got.StatusCode != http.StatusSeeOther || s.signedOut != 1 || got.Cookies()[0].MaxAge >= 0 {
		t.Errorf("status %d, signed out %d times", got.StatusCode, s.signedOut)
	}
}

func TestOutageKeepsTheSession(t *testing.T) {
	s := newSite(t)
	s.outage = true
	got := s.see(t, "/account")
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || len(got.Cookies()) != 0 {
		t.Errorf("status %d, cookies %v", got.StatusCode, got.Cookies())
	}
}

func TestAccountPagesKeepTheirPromisesToBrowsers(t *testing.T) {
	s := newSite(t)
	s.applications = []*gatehousev1.ConnectedApplication{application("g1", "Claude"), application("g2", "Cursor")}
	for _, target := range []string{"/account", "/account?disconnect-all"} {
		got := s.see(t, target)
		if got.Header.Get("Content-Security-Policy") != contentSecurityPolicy || got.Header.Get("Cache-Control") != "no-store" ||
			got.Header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", target, got.Header)
		}
		if strings.Contains(got.Body, "<script") || strings.Contains(got.Body, "style=") {
			t.Errorf("%s needs what the policy forbids", target)
		}
	}
}
