package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// accountForm is the least that a form of the account page sends.
func accountForm() url.Values { return url.Values{"csrf": {accountToken(accountSecret)}} }

// grantForm disconnects one application.
func grantForm(id string) url.Values {
	f := accountForm()
	f.Set("grant", id)
	return f
}

// parseForms returns the fields of each form of a page that goes to a target.
func (d dom) forms(target string) []url.Values {
	var all []url.Values
	for _, f := range d.all(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == target }) {
		fields := url.Values{}
		for n := range f.Descendants() {
			if n.Type == html.ElementNode && n.Data == "input" {
				fields.Add(attr(n, "name"), attr(n, "value"))
			}
		}
		all = append(all, fields)
	}
	return all
}

// account shows the account page of somebody who allowed what the change says.
func account(t *testing.T, change func(*accounts)) dom {
	t.Helper()
	s := newSite(t)
	change(&s.accounts)
	return parseHTML(t, s.signedIn(t).get("/account"))
}

func TestTheAccountPageShowsTheUserAndEachApplication(t *testing.T) {
	doc := account(t, func(*accounts) {})
	for id, want := range map[string]string{
		"name": "Ada Lovelace", "login": "ada@example.com",
		"application-name": "Claude Code", "application-origin": "Name chosen by the app",
		"used": "5 minutes ago", "since": "22 November 2026", "resource": issuer + "/mcp",
		"scopes": "mcp notes:read", "client-id": "client-of-g1",
	} {
		if got := doc.text(id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	if got := len(doc.test("application")); got != 2 {
		t.Errorf("%d applications", got)
	}
	forms := doc.forms("/account/disconnect")
	if len(forms) != 2 || forms[0].Get("grant") != "g1" || forms[1].Get("grant") != "g2" {
		t.Errorf("forms %v", forms)
	}
	if got := doc.attribute("disconnect", "aria-label"); got != "Disconnect Claude Code" {
		t.Errorf("the first button is called %q", got)
	}
}

func TestTheAccountPageNamesTheUserByWhatIsKnown(t *testing.T) {
	for name, test := range map[string]struct {
		identity    *gatehousev1.Identity
		name, login string
	}{
		"name and e-mail":     {&gatehousev1.Identity{Name: "Ada", Email: "ada@example.com", PreferredUsername: "ada"}, "Ada", "ada@example.com"},
		"name and login name": {&gatehousev1.Identity{Name: "Ada", PreferredUsername: "ada1"}, "Ada", "ada1"},
		"login name alone":    {&gatehousev1.Identity{PreferredUsername: "ada1"}, "ada1", ""},
		"e-mail alone":        {&gatehousev1.Identity{Email: "ada@example.com"}, "ada@example.com", ""},
		"nothing":             {nil, "Signed in", ""},
		"odd characters":      {&gatehousev1.Identity{Name: "A\u202eda\n"}, "Ada", ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc := account(t, func(a *accounts) { a.identity = test.identity })
			if doc.text("name") != test.name || doc.text("login") != test.login {
				t.Errorf("%q, %q", doc.text("name"), doc.text("login"))
			}
		})
	}
}

// threats: consent-display
func TestNamesOfApplicationsAreText(t *testing.T) {
	for name, test := range map[string]struct{ name, id, shown, document string }{
		"markup":               {"<b>Claude</b>", "c", "<b>Claude</b>", ""},
		"turned text":          {"Claude\u202eedoC", "c", "ClaudeedoC", ""},
		"lines":                {"Claude\n\n\nCode", "c", "Claude Code", ""},
		"long":                 {strings.Repeat("x", 200), "c", strings.Repeat("x", maxName-1) + "…", ""},
		"no name":              {"\u200b", "c", "An app without a name", ""},
		"client with document": {"Claude", "https://clаude.ai/client.json", "Claude", "xn--clude-5ve.ai"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := account(t, func(a *accounts) {
				a.applications = []*gatehousev1.ConnectedApplication{{GrantId: "g", ClientName: test.name, ClientId: test.id}}
			})
			if got := doc.text("application-name"); got != test.shown {
				t.Errorf("%q, want %q", got, test.shown)
			}
			if got := doc.text("application-document"); strings.TrimPrefix(got, "Described by ") != test.document {
				t.Errorf("document %q", got)
			}
		})
	}
}

func TestTheAccountPageSaysWhoNamedAnApplication(t *testing.T) {
	for origin, want := range map[gatehousev1.Client_Origin]string{
		gatehousev1.Client_ORIGIN_OPERATOR:    "Set up by this server’s operator",
		gatehousev1.Client_ORIGIN_DYNAMIC:     "Name chosen by the app",
		gatehousev1.Client_ORIGIN_UNSPECIFIED: "Name chosen by the app",
	} {
		doc := account(t, func(a *accounts) { a.applications[0].ClientOrigin = origin })
		if got := (dom{doc.test("application")[0]}).text("application-origin"); got != want {
			t.Errorf("%v: %q, want %q", origin, got, want)
		}
	}
}

func TestTheAccountPageSaysWhen(t *testing.T) {
	at := func(ago time.Duration) *timestamppb.Timestamp { return timestamppb.New(epoch().Add(-ago)) }
	for name, test := range map[string]struct {
		created, used *timestamppb.Timestamp
		since, last   string
	}{
		"just now":     {at(0), at(0), "24 November 2026", "less than a minute ago"},
		"this month":   {at(50 * 24 * time.Hour), at(30 * 24 * time.Hour), "5 October 2026", "30 days ago"},
		"long ago":     {at(400 * 24 * time.Hour), at(31 * 24 * time.Hour), "20 October 2025", "24 October 2026"},
		"not known":    {nil, nil, "", "Not known"},
		"the epoch":    {&timestamppb.Timestamp{}, &timestamppb.Timestamp{}, "", "Not known"},
		"clocks apart": {at(-time.Second), at(-time.Second), "24 November 2026", "less than a minute ago"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := account(t, func(a *accounts) {
				a.applications[0].CreateTime, a.applications[0].LastUsedTime = test.created, test.used
			})
			first := dom{doc.test("application")[0]}
			if first.text("since") != test.since || first.text("used") != test.last {
				t.Errorf("since %q, used %q", first.text("since"), first.text("used"))
			}
		})
	}
}

func TestAnEmptyAccountSaysWhatToExpect(t *testing.T) {
	s := newSite(t)
	s.applications = nil
	b := s.signedIn(t)
	doc := parseHTML(t, b.get("/account"))
	if !strings.HasPrefix(strings.TrimSpace(doc.text("empty")), "Nothing is connected.") {
		t.Errorf("%q", doc.text("empty"))
	}
}

func TestAllMeansTwoAtLeast(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t)
	for len(s.applications) > 0 {
		s.applications = s.applications[1:]
		if doc := parseHTML(t, b.get("/account")); len(doc.test("disconnect-all")) != 0 {
			t.Errorf("the page offers to disconnect all %d", len(s.applications))
		}
		if res := b.get("/account/disconnect"); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/account" {
			t.Errorf("it asks about all %d: status %d", len(s.applications), res.StatusCode)
		}
	}
}

func TestAFullAccountSaysThatThereMayBeMore(t *testing.T) {
	s := newSite(t)
	s.applications = slices.Repeat(s.applications, maxApplications/2)
	b := s.signedIn(t)
	if doc := parseHTML(t, b.get("/account")); len(doc.test("full")) != 1 || len(doc.test("application")) != maxApplications {
		t.Errorf("%d applications", len(doc.test("application")))
	}
	if res := b.get("/account/disconnect"); !strings.Contains(res.Body, "<h1>Disconnect all apps?</h1>") {
		t.Error("the question names a number that may be wrong")
	}
}

func TestDisconnectingOne(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t)
	f := parseHTML(t, b.get("/account")).forms("/account/disconnect")[1]
	res := b.send(b.formTo("/account/disconnect", f))
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/account" {
		t.Errorf("status %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	if len(s.disconnected) != 1 || s.disconnected[0].GetGrantId() != "g2" || s.disconnected[0].GetSessionSecret() != accountSecret {
		t.Errorf("the core was told %v", s.disconnected)
	}
}

func TestDisconnectingAllIsAskedTwice(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t)
	doc := parseHTML(t, b.get("/account"))
	question := parseHTML(t, b.get(doc.attribute("disconnect-all", "href")))
	if len(s.disconnected) != 0 || question.attribute("keep", "href") != "/account" {
		t.Fatalf("%d disconnected by a question", len(s.disconnected))
	}
	res := b.send(b.formTo("/account/disconnect", question.forms("/account/disconnect")[0]))
	if res.StatusCode != http.StatusSeeOther || len(s.disconnected) != 1 || !s.disconnected[0].GetAll() {
		t.Errorf("status %d, the core was told %v", res.StatusCode, s.disconnected)
	}
}

func TestAnApplicationThatIsGoneIsNoMistake(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t)
	s.accountErr = coreError(codes.NotFound, "not_found")
	if res := b.send(b.formTo("/account/disconnect", grantForm("g1"))); res.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestAnUnclearFormDisconnectsNothing(t *testing.T) {
	for name, fields := range map[string]url.Values{
		"nothing":            {},
		"empty grant":        {"grant": {""}},
		"two grants":         {"grant": {"g1", "g2"}},
		"long grant":         {"grant": {strings.Repeat("g", maxHandle+1)}},
		"all, but not quite": {"all": {"no"}},
		"all twice":          {"all": {"yes", "yes"}},
		"one and all":        {"all": {"yes"}, "grant": {"g1"}},
		"one and empty all":  {"all": {""}, "grant": {"g1"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.signedIn(t)
			fields["csrf"] = accountForm()["csrf"]
			if res := b.send(b.formTo("/account/disconnect", fields)); res.StatusCode != http.StatusBadRequest || len(s.disconnected) != 0 {
				t.Errorf("status %d, the core was told %v", res.StatusCode, s.disconnected)
			}
		})
	}
}

// threats: rev-logout-csrf, consent-csrf
func TestForgedFormsOfTheAccountPageChangeNothing(t *testing.T) {
	header := func(name, value string) func(*http.Request, url.Values) {
		return func(r *http.Request, _ url.Values) { r.Header.Set(name, value) }
	}
	token := func(value ...string) func(*http.Request, url.Values) {
		return func(_ *http.Request, f url.Values) { f["csrf"] = value }
	}
	for name, forge := range map[string]func(*http.Request, url.Values){
		"no token":                 token(),
		"empty token":              token(""),
		"token twice":              token(accountToken(accountSecret), accountToken(accountSecret)),
		"another session's token":  token(accountToken("other")),
		"token of an empty secret": token(accountToken("")),
		"the consent page's token": token(csrfToken(accountSecret, "")),
		"other origin":             header("Origin", "https://evil.example"),
		"same host over http":      header("Origin", "http://mcp.example.com"),
		"sibling site":             header("Sec-Fetch-Site", "same-site"),
		"cross site":               header("Sec-Fetch-Site", "cross-site"),
		"typed address":            header("Sec-Fetch-Site", "none"),
		"null origin alone": func(r *http.Request, _ url.Values) {
			r.Header.Set("Origin", "null")
			r.Header.Del("Sec-Fetch-Site")
		},
		"neither header": func(r *http.Request, _ url.Values) {
			r.Header.Del("Origin")
			r.Header.Del("Sec-Fetch-Site")
		},
	} {
		for target, f := range map[string]url.Values{
			"/account/disconnect": grantForm("g1"), "/account/logout": accountForm(),
		} {
			t.Run(name+" "+target, func(t *testing.T) {
				s := newSite(t)
				b := s.signedIn(t)
				scratch := b.formTo(target, nil)
				forge(scratch, f)
				r := b.formTo(target, f)
				r.Header = scratch.Header

				res := b.send(r)
				if doc := parseHTML(t, res); res.StatusCode != http.StatusForbidden || doc.attribute("error", "data-kind") != "forged" {
					t.Errorf("status %d, kind %q", res.StatusCode, doc.attribute("error", "data-kind"))
				}
				if len(s.disconnected) != 0 || s.signedOut != 0 || !b.hasSession() {
					t.Errorf("%d disconnected, %d signed out, session kept: %t", len(s.disconnected), s.signedOut, b.hasSession())
				}
				if b.send(b.formTo("/account/disconnect", grantForm("g1"))); len(s.disconnected) != 1 {
					t.Error("the honest form does not work any more")
				}
			})
		}
	}
}

// threats: rev-logout-csrf, consent-csrf
func TestOnlyAFormPostActsOnTheAccount(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		method, contentType, body string
		status                    int
	}{
		"HEAD":      {http.MethodHead, "", "", http.StatusMethodNotAllowed},
		"PUT":       {http.MethodPut, form, grantForm("g1").Encode(), http.StatusMethodNotAllowed},
		"DELETE":    {http.MethodDelete, form, grantForm("g1").Encode(), http.StatusMethodNotAllowed},
		"JSON":      {http.MethodPost, "application/json", `{"grant":"g1"}`, http.StatusUnsupportedMediaType},
		"multipart": {http.MethodPost, "multipart/form-data; boundary=x", grantForm("g1").Encode(), http.StatusUnsupportedMediaType},
		"no type":   {http.MethodPost, "", grantForm("g1").Encode(), http.StatusUnsupportedMediaType},
		"large":     {http.MethodPost, form, "x=" + strings.Repeat("x", maxRequest), http.StatusRequestEntityTooLarge},
		"malformed": {http.MethodPost, form, "csrf=%zz", http.StatusBadRequest},
		"the query": {http.MethodPost, form, "", http.StatusForbidden},
	} {
		for _, target := range []string{"/account/disconnect", "/account/logout", "/account/login"} {
			if name == "the query" && target == "/account/login" {
				continue // takes no parameters
			}
			t.Run(name+" "+target, func(t *testing.T) {
				s := newSite(t)
				b := s.signedIn(t)
				before := s.logins
				r := httptest.NewRequestWithContext(t.Context(), test.method, target+"?"+grantForm("g1").Encode(), strings.NewReader(test.body))
				r.Header.Set("Origin", issuer)
				r.Header.Set("X-HTTP-Method-Override", http.MethodPost)
				if test.contentType != "" {
					r.Header.Set("Content-Type", test.contentType)
				}
				if res := b.send(r); res.StatusCode != test.status {
					t.Errorf("status %d", res.StatusCode)
				}
				if len(s.disconnected) != 0 || s.signedOut != 0 || s.logins != before {
					t.Error("it has an effect")
				}
			})
		}
	}
}

func TestAnEndedSessionLosesNothing(t *testing.T) {
	over := coreError(codes.Unauthenticated, "session_expired")
	for name, end := range map[string]func(*site) *browser{
		"the cookie is gone":    func(s *site) *browser { return s.browser(t) },
		"the core has ended it": func(s *site) *browser { b := s.signedIn(t); s.accountErr = over; return b },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := end(s)
			res := b.send(b.formTo("/account/disconnect", grantForm("g1")))
			doc := parseHTML(t, res)
			if res.StatusCode != http.StatusForbidden || !strings.Contains(doc.text("notice"), "nothing was changed") {
				t.Errorf("status %d, notice %q", res.StatusCode, doc.text("notice"))
			}
			if len(doc.forms("/account/login")) != 1 || b.hasSession() || len(s.disconnected) != 0 {
				t.Errorf("session kept: %t, %d disconnected", b.hasSession(), len(s.disconnected))
			}
		})
	}
	t.Run("on the page itself", func(t *testing.T) {
		s := newSite(t)
		b := s.signedIn(t)
		s.accountErr = over
		res := b.get("/account")
		if doc := parseHTML(t, res); res.StatusCode != http.StatusOK || len(doc.forms("/account/login")) != 1 || b.hasSession() {
			t.Errorf("status %d, session kept: %t", res.StatusCode, b.hasSession())
		}
	})
}

func TestAnOutageKeepsTheSession(t *testing.T) {
	for name, ask := range map[string]func(*browser) answer{
		"page":       func(b *browser) answer { return b.get("/account") },
		"question":   func(b *browser) answer { return b.get("/account/disconnect") },
		"disconnect": func(b *browser) answer { return b.send(b.formTo("/account/disconnect", grantForm("g1"))) },
		"sign out":   func(b *browser) answer { return b.send(b.formTo("/account/logout", accountForm())) },
		"sign in":    func(b *browser) answer { return b.send(b.formTo("/account/login", nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.signedIn(t)
			s.accountErr = coreError(codes.Unavailable, "temporarily_unavailable")
			res := ask(b)
			if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "5" || !b.hasSession() {
				t.Errorf("status %d, Retry-After %q, session kept: %t", res.StatusCode, res.Header.Get("Retry-After"), b.hasSession())
			}
			if len(b.cookies(bindPurpose)) != 0 {
				t.Error("a binding cookie without a sign-in")
			}
		})
	}
}

// threats: log-referer
func TestNoPageHoldsTheSecretOfTheSession(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t)
	for _, target := range []string{"/account", "/account/disconnect"} {
		res := b.get(target)
		if strings.Contains(res.Body, accountSecret) {
			t.Errorf("%s holds the secret", target)
		}
		if strings.Contains(res.Body, "<script") || strings.Contains(res.Body, "style=") {
			t.Errorf("%s needs what its policy forbids", target)
		}
	}
}
