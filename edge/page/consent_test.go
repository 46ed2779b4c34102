package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func TestConsentIsAskedByAPageAndRecordedByItsForm(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.open("t1", "allow")
	res := b.post(form)

	if len(s.decided) != 1 {
		t.Fatalf("%d decisions, status %d", len(s.decided), res.StatusCode)
	}
	decision := s.decided[0]
	if decision.GetHandle() != "t1" || decision.GetDecision() != gatehousev1.DecideConsentRequest_DECISION_ALLOW {
		t.Errorf("decision %v for %q", decision.GetDecision(), decision.GetHandle())
	}
	page, _ := b.cookieValue(pagePurpose)
	if !strings.HasSuffix(page, "."+decision.GetPageSecret()) || len(decision.GetPageSecret()) != 43 {
		t.Errorf("the core got %d characters that are not the page cookie's secret", len(decision.GetPageSecret()))
	}
}

// cookieValue returns the value of the browser's only cookie of a purpose.
func (b *browser) cookieValue(p purpose) (string, bool) {
	b.t.Helper()
	for _, c := range b.jar.Cookies(b.origin()) {
		if strings.HasPrefix(c.Name, b.site.pages.cookie.prefix(p)) {
			return c.Value, true
		}
	}
	return "", false
}

// threats: consent-form-action
func TestAllowingMovesOnToTheProviderWithoutARedirect(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	res := b.post(b.open("t1", "allow"))
	doc := parseHTML(t, res)

	const provider = "https://idp.example.net/auth?client_id=gatehouse&state=state-t1"
	if res.StatusCode != http.StatusOK || res.Header.Get("Location") != "" {
		t.Errorf("status %d, Location %q", res.StatusCode, res.Header.Get("Location"))
	}
	if doc.refresh() != provider || doc.attribute("continue-link", "href") != provider {
		t.Errorf("moves on to %q, link to %q", doc.refresh(), doc.attribute("continue-link", "href"))
	}
	if got := doc.text("continue-link"); got != "Continue to Keycloak" {
		t.Errorf("link reads %q", got)
	}
}

// threats: consent-denied-sticky
func TestDenyingTellsTheClientOnlyWhenTheCoreOrTheUserSaysSo(t *testing.T) {
	to := &gatehousev1.ClientRedirect{
		Uri: "cursor://anysphere.cursor-mcp/cb?error=access_denied&state=a%20b", Destination: "cursor", Error: "access_denied",
	}
	for name, automatic := range map[string]bool{"by a button": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			to.Automatic = automatic
			s.decide = func(*gatehousev1.DecideConsentRequest) (*gatehousev1.DecideConsentResponse, error) {
				return denied(to), nil
			}
			b := s.browser(t)
			res := b.post(b.open("t1", "deny"))
			doc := parseHTML(t, res)
			if got := s.decided[0].GetDecision(); got != gatehousev1.DecideConsentRequest_DECISION_DENY {
				t.Errorf("decision %v", got)
			}
			if res.StatusCode != http.StatusOK || len(b.cookies(bindPurpose)) != 0 {
				t.Errorf("status %d, binding cookies %v", res.StatusCode, b.cookies(bindPurpose))
			}
			link, refresh := "return-link", ""
			if automatic {
				link, refresh = "continue-link", to.GetUri()
			}
			if doc.refresh() != refresh || doc.attribute(link, "href") != to.GetUri() {
				t.Errorf("refresh %q, link %q", doc.refresh(), doc.attribute(link, "href"))
			}
		})
	}
}

// threats: consent-csrf
func TestForgedAnswersChangeNothing(t *testing.T) {
	for name, forge := range map[string]func(b *browser, f url.Values) *http.Request{
		"no token":          func(b *browser, f url.Values) *http.Request { f.Del("csrf"); return b.form(f) },
		"no transaction":    func(b *browser, f url.Values) *http.Request { f.Del("txn"); return b.form(f) },
		"other transaction": func(b *browser, f url.Values) *http.Request { f.Set("txn", "t2"); return b.form(f) },
		"other transaction's token": func(b *browser, f url.Values) *http.Request {
			f.Set("csrf", b.open("t2", "allow").Get("csrf"))
			return b.form(f)
		},
		"other browser's token": func(b *browser, f url.Values) *http.Request {
			f.Set("csrf", b.site.browser(b.t).open("t1", "allow").Get("csrf"))
			return b.form(f)
		},
		"token of an empty secret": func(b *browser, f url.Values) *http.Request { f.Set("csrf", csrfToken("", "t1")); return b.form(f) },
		"token twice":              func(b *browser, f url.Values) *http.Request { f.Add("csrf", f.Get("csrf")); return b.form(f) },
		"other origin": func(b *browser, f url.Values) *http.Request {
			r := b.form(f)
			r.Header.Set("Origin", "https://evil.example")
			return r
		},
		"same host over http": func(b *browser, f url.Values) *http.Request {
			r := b.form(f)
			r.Header.Set("Origin", "http://mcp.example.com")
			return r
		},
		"sibling site": func(b *browser, f url.Values) *http.Request {
			r := b.form(f)
			r.Header.Set("Sec-Fetch-Site", "same-site")
			return r
		},
		"cross site": func(b *browser, f url.Values) *http.Request {
			r := b.form(f)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			return r
		},
		"null origin alone": func(b *browser, f url.Values) *http.Request {
			r := b.form(f)
			r.Header.Set("Origin", "null")
			r.Header.Del("Sec-Fetch-Site")
			return r
		},
		"neither header": func(b *browser, f url.Values) *http.Request {
			r := b.form(f)
			r.Header.Del("Origin")
			r.Header.Del("Sec-Fetch-Site")
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.browser(t)
			f := b.open("t1", "allow")
			honest := url.Values{"txn": f["txn"], "csrf": f["csrf"], "action": f["action"]}

			res := b.send(forge(b, f))
			doc := parseHTML(t, res)
			if res.StatusCode != http.StatusForbidden || doc.attribute("error", "data-kind") != "forged" {
				t.Errorf("status %d, kind %q", res.StatusCode, doc.attribute("error", "data-kind"))
			}
			if len(s.decided) != 0 || len(b.cookies(bindPurpose)) != 0 {
				t.Errorf("%d decisions, binding cookies %v", len(s.decided), b.cookies(bindPurpose))
			}
			if b.post(honest); len(s.decided) != 1 {
				t.Error("the honest form does not work any more")
			}
		})
	}
}

func TestAnswersNeedThePageCookie(t *testing.T) {
	s := newSite(t)
	f := s.browser(t).open("t1", "allow")
	if res := s.browser(t).post(f); res.StatusCode != http.StatusForbidden || len(s.decided) != 0 {
		t.Errorf("status %d, %d decisions", res.StatusCode, len(s.decided))
	}
}

func TestOneHonestHeaderIsEnough(t *testing.T) {
	for name, change := range map[string]func(http.Header){
		"origin alone":               func(h http.Header) { h.Del("Sec-Fetch-Site") },
		"fetch site alone":           func(h http.Header) { h.Del("Origin") },
		"null origin of a same site": func(h http.Header) { h.Set("Origin", "null") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.browser(t)
			r := b.form(b.open("t1", "allow"))
			change(r.Header)
			if res := b.send(r); len(s.decided) != 1 {
				t.Errorf("status %d", res.StatusCode)
			}
		})
	}
}

// threats: consent-csrf
func TestOnlyAFormPostDecides(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	f := b.open("t1", "allow")
	for name, test := range map[string]struct {
		method, contentType, body string
		status                    int
	}{
		"GET":       {http.MethodGet, "", "", http.StatusOK},
		"HEAD":      {http.MethodHead, "", "", http.StatusMethodNotAllowed},
		"PUT":       {http.MethodPut, "application/x-www-form-urlencoded", f.Encode(), http.StatusMethodNotAllowed},
		"JSON":      {http.MethodPost, "application/json", `{"txn":"t1","action":"allow"}`, http.StatusUnsupportedMediaType},
		"multipart": {http.MethodPost, "multipart/form-data; boundary=x", f.Encode(), http.StatusUnsupportedMediaType},
		"no type":   {http.MethodPost, "", f.Encode(), http.StatusUnsupportedMediaType},
		"large":     {http.MethodPost, "application/x-www-form-urlencoded", f.Encode() + "&x=" + strings.Repeat("x", maxRequest), http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), test.method, "/consent?"+f.Encode(), strings.NewReader(test.body))
			r.Header.Set("Origin", issuer)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set("X-HTTP-Method-Override", http.MethodPost)
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			if res := b.send(r); res.StatusCode != test.status || len(s.decided) != 0 {
				t.Errorf("status %d, %d decisions", res.StatusCode, len(s.decided))
			}
		})
	}
}

func TestAnUnknownActionDecidesNothing(t *testing.T) {
	for _, action := range []string{"", "Allow", "approve", "allow "} {
		s := newSite(t)
		b := s.browser(t)
		if res := b.post(b.open("t1", action)); res.StatusCode != http.StatusBadRequest || len(s.decided) != 0 {
			t.Errorf("action %q: status %d, %d decisions", action, res.StatusCode, len(s.decided))
		}
	}
}

// threats: consent-scope-tamper
func TestNothingButTheAnswerIsRead(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	f := b.open("t1", "allow")
	for _, name := range []string{"scope", "redirect_uri", "client_id", "resource", "page_secret", "handle", "decision"} {
		f.Set(name, "admin")
	}
	b.post(f)
	if got := s.decided[0].GetHandle(); got != "t1" {
		t.Errorf("handle %q", got)
	}
	if strings.Contains(s.decided[0].String(), "admin") {
		t.Errorf("the core was told %v", s.decided[0])
	}
}

// threats: consent-cookie-early
func TestOnlyTheApprovingPostSetsTheBindingCookie(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	b.get("/authorize?client_id=t1")
	f := b.open("t1", "allow")
	b.get("/")
	b.get("/assets/page.css")
	b.get("/auth/callback?state=state-t1&code=c")
	b.post(url.Values{"txn": f["txn"], "csrf": {"wrong"}, "action": {"allow"}})
	b.post(url.Values{"txn": f["txn"], "csrf": f["csrf"], "action": {"deny"}})
	if got := b.cookies(bindPurpose); len(got) != 0 {
		t.Fatalf("binding cookies %v before the approval", got)
	}
	b.post(f)
	if got := b.cookies(bindPurpose); len(got) != 1 {
		t.Errorf("binding cookies %v after the approval", got)
	}
}

// threats: consent-parallel-tabs
func TestTabsDoNotDisturbOneAnother(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	first := b.open("t1", "allow")
	second := b.open("t2", "allow")
	again := b.open("t1", "allow")
	if first.Get("csrf") != again.Get("csrf") {
		t.Error("a reload makes the earlier page invalid")
	}
	b.post(second)
	b.post(first)
	for _, handle := range []string{"t1", "t2"} {
		res := b.get("/auth/callback?code=c&state=state-" + handle)
		if want := "http://localhost:53122/callback?code=c-state-" + handle + "&state=s"; res.Header.Get("Location") != want {
			t.Errorf("%s: status %d, Location %q", handle, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

// threats: consent-parallel-tabs
func TestTheNinthFlowReplacesTheOldest(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	handles := strings.Split("t0 t1 t2 t3 t4 t5 t6 t7 t8", " ")
	for _, handle := range handles {
		b.post(b.open(handle, "allow"))
		s.now = s.now.Add(time.Second)
	}
	if pages, binds := len(b.cookies(pagePurpose)), len(b.cookies(bindPurpose)); pages != maxCookies || binds != maxCookies {
		t.Errorf("%d page cookies, %d binding cookies", pages, binds)
	}
	size := 0
	for _, c := range b.jar.Cookies(b.origin()) {
		size += len(c.Name) + len(c.Value) + len("=; ")
	}
	if size > 4096 {
		t.Errorf("cookies of %d bytes", size)
	}
	for i, handle := range handles {
		want := http.StatusSeeOther
		if i == 0 {
			want = http.StatusForbidden
		}
		if res := b.get("/auth/callback?code=c&state=state-" + handle); res.StatusCode != want {
			t.Errorf("%s: status %d, want %d", handle, res.StatusCode, want)
		}
	}
}

// threats: consent-double-submit
func TestARepeatedAnswerIsTheSameAnswer(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	f := b.open("t1", "allow")
	first, second := parseHTML(t, b.post(f)), parseHTML(t, b.post(f))
	if first.refresh() != second.refresh() {
		t.Errorf("moves on to %q, then to %q", first.refresh(), second.refresh())
	}
	if s.decided[0].GetPageSecret() != s.decided[1].GetPageSecret() {
		t.Error("the core cannot tell that it is the same browser")
	}
	if got := b.cookies(bindPurpose); len(got) != 1 {
		t.Errorf("binding cookies %v", got)
	}

	s.decide = func(*gatehousev1.DecideConsentRequest) (*gatehousev1.DecideConsentResponse, error) {
		return nil, coreError(codes.FailedPrecondition, "transaction_used")
	}
	res := b.post(f)
	if doc := parseHTML(t, res); res.StatusCode != http.StatusBadRequest || doc.attribute("error", "data-kind") != "used" {
		t.Errorf("after completion: status %d", res.StatusCode)
	}
}

// threats: consent-cookie-tossing
func TestAPlantedPageCookieStopsTheAnswer(t *testing.T) {
	for name, order := range map[string][]int{"before": {1, 0}, "after": {0, 1}} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.browser(t)
			f := b.open("t1", "allow")
			own := b.jar.Cookies(b.origin())[0]
			planted := &http.Cookie{Name: own.Name, Value: own.Value[:len(own.Value)-1] + "x"}

			r := b.form(f)
			for _, i := range order {
				r.AddCookie([]*http.Cookie{own, planted}[i])
			}
			res := s.serve(r)
			if res.StatusCode != http.StatusForbidden || len(s.decided) != 0 {
				t.Errorf("status %d, %d decisions", res.StatusCode, len(s.decided))
			}
		})
	}
}

func TestConsentOfADeadTransactionExplainsItself(t *testing.T) {
	for name, test := range map[string]struct {
		target string
		err    error
		kind   string
	}{
		"no handle":    {"/consent", nil, "expired"},
		"long handle":  {"/consent?txn=" + strings.Repeat("x", maxHandle+1), nil, "expired"},
		"two handles":  {"/consent?txn=a&txn=b", nil, "expired"},
		"unknown":      {"/consent?txn=a", coreError(codes.NotFound, "transaction_expired"), "expired"},
		"already used": {"/consent?txn=a", coreError(codes.FailedPrecondition, "transaction_used"), "used"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.consent = func(*gatehousev1.GetConsentRequest) (*gatehousev1.GetConsentResponse, error) { return nil, test.err }
			res := s.get(t, test.target)
			doc := parseHTML(t, res)
			if res.StatusCode != http.StatusBadRequest || doc.attribute("error", "data-kind") != test.kind {
				t.Errorf("status %d, kind %q", res.StatusCode, doc.attribute("error", "data-kind"))
			}
			if len(res.Cookies()) != 0 {
				t.Errorf("cookies %v", res.Cookies())
			}
		})
	}
}

func TestConsentIsNotRenderedSpeculatively(t *testing.T) {
	s := newSite(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/consent?txn=t1", nil)
	r.Header.Set("Sec-Purpose", "prefetch;prerender")
	if res := s.serve(r); res.StatusCode != http.StatusForbidden || s.calls() != 0 || len(res.Cookies()) != 0 {
		t.Errorf("status %d, %d calls, cookies %v", res.StatusCode, s.calls(), res.Cookies())
	}
}

func TestUnusableAnswersOfTheCoreAreFaults(t *testing.T) {
	for name, response := range map[string]*gatehousev1.DecideConsentResponse{
		"nothing":        {},
		"script":         denied(&gatehousev1.ClientRedirect{Uri: "javascript:alert(1)"}),
		"no destination": denied(&gatehousev1.ClientRedirect{}),
		"no state": {Outcome: &gatehousev1.DecideConsentResponse_Upstream{
			Upstream: &gatehousev1.UpstreamRedirect{Uri: "https://idp.example.net/", BrowserSecret: "s"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.decide = func(*gatehousev1.DecideConsentRequest) (*gatehousev1.DecideConsentResponse, error) {
				return response, nil
			}
			b := s.browser(t)
			res := b.post(b.open("t1", "allow"))
			if res.StatusCode != http.StatusInternalServerError || len(b.cookies(bindPurpose)) != 0 {
				t.Errorf("status %d, binding cookies %v", res.StatusCode, b.cookies(bindPurpose))
			}
			if s.log.Len() == 0 {
				t.Error("nothing is logged")
			}
		})
	}
}
