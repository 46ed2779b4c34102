package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// signingIn returns a browser that is at the provider to sign in to the account page.
func (s *site) signingIn(t *testing.T) *browser {
	t.Helper()
	b := s.browser(t)
	b.send(b.formTo("/account/login", nil))
	return b
}

// signedIn returns a browser with a session.
func (s *site) signedIn(t *testing.T) *browser {
	t.Helper()
	b := s.signingIn(t)
	b.get("/auth/callback?code=c&state=state-account")
	return b
}

// hasSession reports whether the browser holds a session cookie.
func (b *browser) hasSession() bool {
	for _, c := range b.jar.Cookies(b.origin()) {
		if c.Name == b.site.pages.cookie.sessionName() {
			return true
		}
	}
	return false
}

func TestAStrangerIsAskedToSignIn(t *testing.T) {
	s := newSite(t)
	for _, target := range []string{"/account", "/account/disconnect"} {
		res := s.get(t, target)
		doc := parseHTML(t, res)
		if res.StatusCode != http.StatusOK || len(doc.forms("/account/login")) != 1 || len(res.Cookies()) != 0 {
			t.Errorf("%s: status %d, cookies %v", target, res.StatusCode, res.Cookies())
		}
	}
	if s.read != 0 {
		t.Error("the core was asked about nobody")
	}
}

// threats: consent-form-action
func TestSigningInBindsTheBrowserAndMovesOnToTheProvider(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	res := b.send(b.formTo("/account/login", nil))
	doc := parseHTML(t, res)
	if res.StatusCode != http.StatusOK || doc.refresh() != "https://idp.example.net/auth?state=state-account" {
		t.Errorf("status %d, moves on to %q", res.StatusCode, doc.refresh())
	}
	if got := b.cookies(bindPurpose); len(got) != 1 || b.hasSession() {
		t.Errorf("binding cookies %v, session: %t", got, b.hasSession())
	}
}

func TestTheProvidersAnswerBecomesASession(t *testing.T) {
	s := newSite(t)
	b := s.signingIn(t)
	res := b.get("/auth/callback?code=c&state=state-account")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/account" || len(b.cookies(bindPurpose)) != 0 {
		t.Errorf("status %d to %q, binding cookies %v", res.StatusCode, res.Header.Get("Location"), b.cookies(bindPurpose))
	}
	if got := s.completed[0].GetBrowserSecret(); got != "secret-of-state-account" {
		t.Errorf("binding secret %q", got)
	}
	if doc := parseHTML(t, b.get("/account")); doc.text("name") != "Ada Lovelace" {
		t.Errorf("signed in as %q", doc.text("name"))
	}
}

func TestTheSessionCookieIsBoundToThisHostAndEndsWithTheSession(t *testing.T) {
	for name, test := range map[string]struct {
		options []func(*Deps)
		name    string
		secure  bool
	}{
		"https": {nil, "__Host-gatehouse-account", true},
		"http":  {[]func(*Deps){plainHTTP}, "gatehouse-account", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, test.options...)
			res := s.signingIn(t).get("/auth/callback?code=c&state=state-account")
			var found []*http.Cookie
			for _, c := range res.Cookies() {
				if c.MaxAge > 0 {
					found = append(found, c)
				}
			}
			if len(found) != 1 {
				t.Fatalf("cookies %v", found)
			}
			// Not Strict: the redirect that brings the user here comes from the provider.
			c := found[0]
			if c.Name != test.name || !c.HttpOnly || c.Secure != test.secure || c.SameSite != http.SameSiteLaxMode ||
				c.Path != "/" || c.Domain != "" || c.MaxAge != 1800 {
				t.Errorf("cookie %v", c)
			}
		})
	}
}

// threats: consent-browser-binding
func TestASignInBelongsToTheBrowserThatBeganIt(t *testing.T) {
	s := newSite(t)
	s.signingIn(t)
	victim := s.browser(t)
	res := victim.get("/auth/callback?code=c&state=state-account")
	if res.StatusCode != http.StatusForbidden || victim.hasSession() {
		t.Errorf("status %d, session: %t", res.StatusCode, victim.hasSession())
	}
}

// threats: consent-csrf
func TestNoOtherSiteSignsAnybodyIn(t *testing.T) {
	for name, change := range map[string]func(http.Header){
		"other origin": func(h http.Header) { h.Set("Origin", "https://evil.example") },
		"cross site":   func(h http.Header) { h.Set("Sec-Fetch-Site", "cross-site") },
		"neither":      func(h http.Header) { h.Del("Origin"); h.Del("Sec-Fetch-Site") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.browser(t)
			r := b.formTo("/account/login", nil)
			change(r.Header)
			res := b.send(r)
			if res.StatusCode != http.StatusForbidden || s.logins != 0 || len(res.Cookies()) != 0 {
				t.Errorf("status %d, %d logins, cookies %v", res.StatusCode, s.logins, res.Cookies())
			}
		})
	}
}

// threats: consent-cookie-purpose
func TestNoCookieServesAnotherPurpose(t *testing.T) {
	s := newSite(t)
	b := s.approved(t)
	page, _ := b.cookieValue(pagePurpose)
	bind, _ := b.cookieValue(bindPurpose)
	j := s.pages.cookie
	names := map[purpose]string{
		pagePurpose: j.name(pagePurpose, "t1"), bindPurpose: j.name(bindPurpose, "state-t1"), accountPurpose: j.sessionName(),
	}
	values := map[purpose]string{
		pagePurpose: page, bindPurpose: bind, accountPurpose: "account." + accountSecret,
		"no purpose": strings.TrimPrefix(bind, "bind."),
	}
	accepts := map[purpose]func(*http.Request) bool{
		pagePurpose:    func(r *http.Request) bool { _, ok := j.secret(r, pagePurpose, "t1"); return ok },
		bindPurpose:    func(r *http.Request) bool { _, ok := j.secret(r, bindPurpose, "state-t1"); return ok },
		accountPurpose: func(r *http.Request) bool { _, ok := j.session(r); return ok },
	}
	for reader, accept := range accepts {
		for owner, name := range names {
			for source, value := range values {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/account", nil)
				r.AddCookie(&http.Cookie{Name: name, Value: value})
				want := reader == owner && reader == source
				if got := accept(r); got != want {
					t.Errorf("%s value in the %s cookie, read as %s: accepted %t", source, owner, reader, got)
				}
			}
		}
	}
}

// threats: consent-cookie-tossing
func TestADoubtfulSessionCookieCountsForNone(t *testing.T) {
	const value = "account." + accountSecret
	for name, cookies := range map[string][]*http.Cookie{
		"twins":               {{Name: "__Host-gatehouse-account", Value: value}, {Name: "__Host-gatehouse-account", Value: value}},
		"planted twin":        {{Name: "__Host-gatehouse-account", Value: value}, {Name: "__Host-gatehouse-account", Value: "account.x"}},
		"name without prefix": {{Name: "gatehouse-account", Value: value}},
		"bare secret":         {{Name: "__Host-gatehouse-account", Value: accountSecret}},
		"no secret":           {{Name: "__Host-gatehouse-account", Value: "account."}},
		"long secret":         {{Name: "__Host-gatehouse-account", Value: "account." + strings.Repeat("x", maxSecret+1)}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/account", nil)
			for _, c := range cookies {
				r.AddCookie(c)
			}
			if doc := parseHTML(t, s.serve(r)); len(doc.test("sign-in")) != 1 || s.read != 0 {
				t.Error("it counts")
			}
		})
	}
}

func TestSigningOutEndsTheSessionEverywhere(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t)
	f := parseHTML(t, b.get("/account")).forms("/account/logout")[0]
	res := b.send(b.formTo("/account/logout", f))
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/account" || s.signedOut != 1 || b.hasSession() {
		t.Errorf("status %d, %d signed out, session kept: %t", res.StatusCode, s.signedOut, b.hasSession())
	}

	b = s.signedIn(t)
	s.accountErr = coreError(codes.Unauthenticated, "session_expired")
	if res := b.send(b.formTo("/account/logout", accountForm())); res.StatusCode != http.StatusSeeOther || b.hasSession() {
		t.Errorf("out of an ended session: status %d, session kept: %t", res.StatusCode, b.hasSession())
	}
}

func TestASignInWithoutASessionIsAFault(t *testing.T) {
	s := newSite(t)
	s.complete = func(*gatehousev1.CompleteAuthorizationRequest) (*gatehousev1.CompleteAuthorizationResponse, error) {
		return &gatehousev1.CompleteAuthorizationResponse{Account: &gatehousev1.AccountSession{}}, nil
	}
	b := s.signedIn(t)
	if b.hasSession() || !strings.Contains(s.log.String(), "without a session") {
		t.Errorf("session: %t, log %s", b.hasSession(), s.log)
	}
}

func FuzzSessionCookie(f *testing.F) {
	j := testJar(true)
	for _, seed := range []string{
		"", "account.secret", "account.", "page.1795510800.secret", "account.a; __Host-gatehouse-account=account.b", `"account.x"`, "account.\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/account", nil)
		r.Header.Set("Cookie", j.sessionName()+"="+value)
		secret, ok := j.session(r)
		if ok && (secret == "" || len(secret) > maxSecret || len(r.CookiesNamed(j.sessionName())) != 1) {
			t.Errorf("%q gives secret %q", value, secret)
		}
		if !ok && secret != "" {
			t.Errorf("%q gives a secret that does not count", value)
		}
		for _, p := range []purpose{pagePurpose, bindPurpose} {
			if _, ok := j.secret(r, p, "s"); ok {
				t.Errorf("%q counts as %s", value, p)
			}
		}
	})
}
