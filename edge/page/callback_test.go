package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// approved returns a browser that has approved a transaction; its state is "state-t1".
func (s *site) approved(t *testing.T) *browser {
	t.Helper()
	b := s.browser(t)
	b.post(b.open("t1", "allow"))
	return b
}

func TestCallbackHandsTheAnswerToTheCoreAndTheCodeToTheClient(t *testing.T) {
	s := newSite(t)
	b := s.approved(t)
	res := b.get("/auth/callback?code=a%2Bb&state=state-t1&iss=https%3A%2F%2Fidp.example.net&session_state=x")

	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "http://localhost:53122/callback?code=c-state-t1&state=s" {
		t.Errorf("status %d, Location %q", res.StatusCode, res.Header.Get("Location"))
	}
	if got := res.Body; got != "" {
		t.Errorf("body %q repeats what the URL says", got)
	}
	in := s.completed[0]
	if in.GetState() != "state-t1" || in.GetCode() != "a+b" || in.GetIss() != "https://idp.example.net" || in.GetBrowserSecret() != "secret-of-state-t1" {
		t.Errorf("the core got %q, %q, %q", in.GetState(), in.GetCode(), in.GetIss())
	}
	if got := b.cookies(bindPurpose); len(got) != 0 {
		t.Errorf("binding cookies %v are left", got)
	}
}

func TestCallbackSendsCodesToAnyDestinationAtOnce(t *testing.T) {
	for _, uri := range []string{
		"https://app.example.org/cb?code=c&iss=x",
		"http://127.0.0.1:53122/callback?code=c",
		"cursor://anysphere.cursor-mcp/oauth/callback?code=c",
		"com.example.app:/cb?code=c",
	} {
		s := newSite(t)
		s.complete = func(*gatehousev1.CompleteAuthorizationRequest) (*gatehousev1.CompleteAuthorizationResponse, error) {
			return completed(&gatehousev1.ClientRedirect{Uri: uri}), nil
		}
		if res := s.get(t, "/auth/callback?code=c&state=s"); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != uri {
			t.Errorf("%s: status %d, Location %q", uri, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

func TestCallbackErrorsReachTheClientAtOnceOnlyWhenTheCoreSaysSo(t *testing.T) {
	for code, want := range map[string]int{
		"access_denied":           http.StatusForbidden,
		"temporarily_unavailable": http.StatusServiceUnavailable,
		"server_error":            http.StatusInternalServerError,
		"invalid_scope":           http.StatusBadRequest,
	} {
		t.Run(code, func(t *testing.T) {
			to := &gatehousev1.ClientRedirect{Uri: "https://app.example.org/cb?error=" + code, Destination: "app.example.org", Error: code}
			s := newSite(t)
			s.complete = func(*gatehousev1.CompleteAuthorizationRequest) (*gatehousev1.CompleteAuthorizationResponse, error) {
				return completed(to), nil
			}
			res := s.get(t, "/auth/callback?error=x&state=s")
			doc := parseHTML(t, res)
			if res.StatusCode != want || doc.attribute("return-link", "href") != to.GetUri() || doc.refresh() != "" {
				t.Errorf("status %d, button to %q, refresh %q", res.StatusCode, doc.attribute("return-link", "href"), doc.refresh())
			}
			to.Automatic = true
			if res := s.get(t, "/auth/callback?error=x&state=s"); res.StatusCode != http.StatusSeeOther {
				t.Errorf("automatic: status %d", res.StatusCode)
			}
		})
	}
}

// threats: cb-error-unbound, consent-browser-binding
func TestCallbackPresentsTheBindingOfThisBrowserOnEveryBranch(t *testing.T) {
	for name, query := range map[string]string{"code": "code=c", "error": "error=access_denied&error_description=canary"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.approved(t)
			other := s.browser(t)
			res := other.get("/auth/callback?state=state-t1&" + query)
			doc := parseHTML(t, res)
			if res.StatusCode != http.StatusForbidden || doc.attribute("error", "data-kind") != "wrong-browser" {
				t.Errorf("status %d, kind %q", res.StatusCode, doc.attribute("error", "data-kind"))
			}
			if got := s.completed[0].GetBrowserSecret(); got != "" {
				t.Errorf("secret %q", got)
			}
		})
	}
}

// threats: consent-cookie-tossing, consent-cookie-purpose
func TestCallbackTakesADoubtfulBindingForNone(t *testing.T) {
	value := func(purpose, seconds, secret string) string { return purpose + "." + seconds + "." + secret }
	const secret = "secret-of-state-t1"
	for name, values := range map[string][]string{
		"planted twin":        {value("bind", "1795510800", secret), value("bind", "1795510800", "planted")},
		"planted twin first":  {value("bind", "1795510800", "planted"), value("bind", "1795510800", secret)},
		"equal twin":          {value("bind", "1795510800", secret), value("bind", "1795510800", secret)},
		"page cookie's value": {value("page", "1795510800", secret)},
		"bare secret":         {secret},
		"padded time":         {value("bind", "01795510800", secret)},
		"no secret":           {value("bind", "1795510800", "")},
		"long secret":         {value("bind", "1795510800", strings.Repeat("x", maxSecret+1))},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.now = time.Unix(1795510800, 0)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/callback?code=c&state=state-t1", nil)
			for _, v := range values {
				r.AddCookie(&http.Cookie{Name: s.pages.cookie.name(bindPurpose, "state-t1"), Value: v})
			}
			if res := s.serve(r); res.StatusCode != http.StatusForbidden || s.completed[0].GetBrowserSecret() != "" {
				t.Errorf("status %d, secret %q", res.StatusCode, s.completed[0].GetBrowserSecret())
			}
		})
	}
}

// threats: consent-cookie-purpose, consent-txn-guess
func TestNoSecretOfAFlowStandsInForAnother(t *testing.T) {
	s := newSite(t)
	b := s.approved(t)
	page, _ := b.cookieValue(pagePurpose)
	bind, _ := b.cookieValue(bindPurpose)
	jar := s.pages.cookie
	for name, cookie := range map[string]*http.Cookie{
		"page value under the binding name": {Name: jar.name(bindPurpose, "state-t1"), Value: page},
		"binding value under the page name": {Name: jar.name(pagePurpose, "state-t1"), Value: bind},
		"binding under the handle":          {Name: jar.name(bindPurpose, "t1"), Value: bind},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/callback?code=c&state=state-t1", nil)
			r.AddCookie(cookie)
			if res := s.serve(r); res.StatusCode != http.StatusForbidden {
				t.Errorf("status %d", res.StatusCode)
			}
		})
	}
	r := b.form(b.open("t1", "allow"))
	r.AddCookie(&http.Cookie{Name: jar.name(pagePurpose, "t1"), Value: bind})
	if res := s.serve(r); res.StatusCode != http.StatusForbidden {
		t.Errorf("binding value as page cookie: status %d", res.StatusCode)
	}
}

func TestCallbackRefusesWhatNoProviderSends(t *testing.T) {
	for name, target := range map[string]string{
		"nothing":         "/auth/callback",
		"no state":        "/auth/callback?code=c",
		"no answer":       "/auth/callback?state=s",
		"two states":      "/auth/callback?code=c&state=s&state=s",
		"two codes":       "/auth/callback?code=c&code=d&state=s",
		"two errors":      "/auth/callback?error=c&error=d&state=s",
		"two texts":       "/auth/callback?error=c&error_description=a&error_description=b&state=s",
		"two issuers":     "/auth/callback?code=c&iss=a&iss=b&state=s",
		"long state":      "/auth/callback?code=c&state=" + strings.Repeat("s", maxHandle+1),
		"bad escape":      "/auth/callback?code=%&state=s",
		"text, not UTF-8": "/auth/callback?code=%ff&state=s",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			res := s.get(t, target)
			parseHTML(t, res)
			if res.StatusCode != http.StatusBadRequest || s.calls() != 0 {
				t.Errorf("status %d, %d calls", res.StatusCode, s.calls())
			}
		})
	}
	s := newSite(t)
	for _, method := range []string{http.MethodPost, http.MethodHead} {
		r := httptest.NewRequestWithContext(t.Context(), method, "/auth/callback?code=c&state=s", nil)
		if res := s.serve(r); res.StatusCode != http.StatusMethodNotAllowed || s.calls() != 0 {
			t.Errorf("%s: status %d", method, res.StatusCode)
		}
	}
}

func TestCallbackErrorsSayWhatHappened(t *testing.T) {
	for reason, test := range map[string]struct {
		code   codes.Code
		status int
		kind   string
		retry  string
		keeps  bool
	}{
		"transaction_expired":     {codes.NotFound, http.StatusBadRequest, "expired", "", false},
		"transaction_used":        {codes.FailedPrecondition, http.StatusBadRequest, "used", "", false},
		"transaction_failed":      {codes.FailedPrecondition, http.StatusBadRequest, "unfinished", "", false},
		"wrong_browser":           {codes.PermissionDenied, http.StatusForbidden, "wrong-browser", "", false},
		"access_denied":           {codes.PermissionDenied, http.StatusForbidden, "denied", "", false},
		"untrusted_provider":      {codes.PermissionDenied, http.StatusForbidden, "untrusted", "", false},
		"temporarily_unavailable": {codes.Unavailable, http.StatusServiceUnavailable, "unavailable", "5", true},
	} {
		t.Run(reason, func(t *testing.T) {
			s := newSite(t)
			b := s.approved(t)
			s.complete = func(*gatehousev1.CompleteAuthorizationRequest) (*gatehousev1.CompleteAuthorizationResponse, error) {
				return nil, coreError(test.code, reason)
			}
			res := b.get("/auth/callback?code=c&state=state-t1")
			doc := parseHTML(t, res)
			if res.StatusCode != test.status || doc.attribute("error", "data-kind") != test.kind || res.Header.Get("Retry-After") != test.retry {
				t.Errorf("status %d, kind %q, Retry-After %q", res.StatusCode, doc.attribute("error", "data-kind"), res.Header.Get("Retry-After"))
			}
			if kept := len(b.cookies(bindPurpose)) == 1; kept != test.keeps {
				t.Errorf("binding cookie kept: %t", kept)
			}
		})
	}
}

func TestCallbackClipsTheProvidersText(t *testing.T) {
	s := newSite(t)
	s.get(t, "/auth/callback?state=s&error=e&error_description="+strings.Repeat("%C3%BC", 1200))
	if got := s.completed[0].GetErrorDescription(); got != strings.Repeat("ü", 1200) {
		t.Errorf("%d bytes", len(got))
	}
	if got := clip(strings.Repeat("ü", 5), 3); got != "ü" {
		t.Errorf("clip = %q", got)
	}
}
