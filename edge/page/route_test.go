package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// visits returns a request to every route, in every outcome that a stranger can cause.
func visits(t *testing.T, s *site) map[string]func() answer {
	t.Helper()
	get := func(target string) func() answer {
		return func() answer { return s.get(t, target) }
	}
	decide := func(action string) func() answer {
		return func() answer {
			b := s.browser(t)
			return b.post(b.open("t1", action))
		}
	}
	return map[string]func() answer{
		"home":                get("/"),
		"style":               get("/assets/page.css"),
		"icon":                get("/assets/icon.svg"),
		"no asset":            get("/assets/none.css"),
		"asset directory":     get("/assets/"),
		"authorize":           get("/authorize?client_id=t1"),
		"authorize malformed": get("/authorize?state=%zz"),
		"authorize too long":  get("/authorize?state=" + strings.Repeat("x", maxRequest)),
		"consent":             get("/consent?txn=t1"),
		"consent expired":     get("/consent"),
		"allow":               decide("allow"),
		"deny":                decide("deny"),
		"unknown action":      decide("x"),
		"forged":              func() answer { return s.serve(post(t, "/consent", "txn=t1&action=allow")) },
		"callback":            func() answer { return s.approved(t).get("/auth/callback?code=c&state=state-t1") },
		"callback elsewhere":  get("/auth/callback?code=c&state=state-t1"),
		"callback malformed":  get("/auth/callback"),
		"method": func() answer {
			return s.serve(httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/consent", nil))
		},
		"prefetch": func() answer {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?client_id=t1", nil)
			r.Header.Set("Sec-Purpose", "prefetch")
			return s.serve(r)
		},
		"account":            func() answer { return s.signedIn(t).get("/account") },
		"account elsewhere":  get("/account"),
		"sign in":            func() answer { b := s.browser(t); return b.send(b.formTo("/account/login", nil)) },
		"signed in":          func() answer { return s.signingIn(t).get("/auth/callback?code=c&state=state-account") },
		"confirm":            func() answer { return s.signedIn(t).get("/account/disconnect") },
		"disconnect":         func() answer { b := s.signedIn(t); return b.send(b.formTo("/account/disconnect", grantForm("g1"))) },
		"disconnect what":    func() answer { b := s.signedIn(t); return b.send(b.formTo("/account/disconnect", accountForm())) },
		"disconnect unknown": func() answer { b := s.browser(t); return b.send(b.formTo("/account/disconnect", grantForm("g1"))) },
		"disconnect forged":  func() answer { return s.serve(post(t, "/account/disconnect", "grant=g1")) },
		"sign out":           func() answer { b := s.signedIn(t); return b.send(b.formTo("/account/logout", accountForm())) },
		"sign out forged":    func() answer { return s.serve(post(t, "/account/logout", "")) },
	}
}

// threats: consent-clickjack, consent-csp, authz-method-cache, log-referer
func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; " +
			"base-uri 'none'; frame-ancestors 'none'",
		"X-Frame-Options":              "DENY",
		"X-Content-Type-Options":       "nosniff",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Strict-Transport-Security":    "max-age=31536000",
		"Permissions-Policy":           "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
	}
	s := newSite(t)
	for name, visit := range visits(t, s) {
		t.Run(name, func(t *testing.T) {
			res := visit()
			for header, value := range want {
				if got := res.Header.Values(header); len(got) != 1 || got[0] != value {
					t.Errorf("%s: %q", header, got)
				}
			}
			cache, referrer := "no-store", "no-referrer"
			switch name {
			case "style", "icon":
				cache = "no-cache"
			case "consent", "account", "account elsewhere", "confirm", "disconnect unknown":
				referrer = "same-origin"
			}
			if got := res.Header.Get("Cache-Control"); got != cache {
				t.Errorf("Cache-Control %q", got)
			}
			if got := res.Header.Get("Referrer-Policy"); got != referrer {
				t.Errorf("Referrer-Policy %q", got)
			}
		})
	}
}

// threats: cb-307
func TestNoAnswerRepeatsAPostElsewhere(t *testing.T) {
	s := newSite(t)
	for name, visit := range visits(t, s) {
		switch status := visit().StatusCode; {
		case status == http.StatusOK, status == http.StatusSeeOther, status >= 400 && status < 500:
		default:
			t.Errorf("%s: status %d", name, status)
		}
	}
}

func TestPlainHTTPNeitherPromisesNorPrefixes(t *testing.T) {
	s := newSite(t, plainHTTP)
	b := s.approved(t)
	if got := s.get(t, "/").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("Strict-Transport-Security %q", got)
	}
	for _, p := range []purpose{pagePurpose, bindPurpose} {
		names := b.cookies(p)
		if len(names) != 1 || !strings.HasPrefix(names[0], "gatehouse-") {
			t.Errorf("%s cookies %v", p, names)
		}
	}
	if res := b.get("/auth/callback?code=c&state=state-t1"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", res.StatusCode)
	}
}

// threats: log-error-page
func TestNoPageReflectsWhatAStrangerSends(t *testing.T) {
	const canary = `c4n4ry"'><script>alert(1)</script>`
	escaped := url.QueryEscape(canary)
	s := newSite(t)
	s.begin = func(*gatehousev1.BeginAuthorizationRequest) (*gatehousev1.BeginAuthorizationResponse, error) {
		return nil, coreError(codes.InvalidArgument, "invalid_client")
	}
	s.consent = func(*gatehousev1.GetConsentRequest) (*gatehousev1.GetConsentResponse, error) {
		return nil, coreError(codes.NotFound, "transaction_expired")
	}
	var targets []string
	for _, name := range singleParameters() {
		targets = append(targets, "/authorize?"+name+"="+escaped)
	}
	for _, name := range []string{"state", "code", "error", "error_description", "iss"} {
		targets = append(targets, "/auth/callback?code=c&state=s&"+name+"="+escaped, "/auth/callback?state=s&error=e&"+name+"="+escaped)
	}
	targets = append(targets, "/consent?txn="+escaped, "/?x="+escaped, "/assets/"+url.PathEscape(canary))
	for _, target := range targets {
		res := s.get(t, target)
		text := res.Body
		if strings.Contains(text, "c4n4ry") || strings.Contains(text, "internal canary") {
			t.Errorf("%s: the page repeats it", target)
		}
		for header, values := range res.Header {
			if strings.Contains(strings.Join(values, " "), "c4n4ry") {
				t.Errorf("%s: %s repeats it", target, header)
			}
		}
	}
	if strings.Contains(s.log.String(), "c4n4ry") {
		t.Error("the log repeats it")
	}
}

func TestAssetsAreKeptUntilTheyChange(t *testing.T) {
	s := newSite(t)
	first := s.get(t, "/assets/page.css")
	if first.StatusCode != http.StatusOK || !strings.HasPrefix(first.Header.Get("Content-Type"), "text/css") {
		t.Fatalf("status %d, type %q", first.StatusCode, first.Header.Get("Content-Type"))
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/assets/page.css", nil)
	r.Header.Set("If-None-Match", first.Header.Get("ETag"))
	if res := s.serve(r); res.StatusCode != http.StatusNotModified {
		t.Errorf("status %d", res.StatusCode)
	}
	if res := s.get(t, "/assets/icon.svg"); res.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("icon type %q", res.Header.Get("Content-Type"))
	}
}
