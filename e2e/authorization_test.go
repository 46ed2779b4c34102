package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/browser"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/realm"
)

func logsIn(t *testing.T, d *deployment) {
	s := d.connect(t, d.alice)
	if strings.Count(s.access, ".") != 2 {
		t.Error("the access token is no JWT")
	}
	if got := d.greet(t, s.access); !strings.Contains(got, "Hello! Ada") {
		t.Errorf("greet answered %q", got)
	}
}

// logsInConfidentialClient registers without naming a method, which means client_secret_basic (RFC 7591 section 2).
func logsInConfidentialClient(t *testing.T, d *deployment) {
	const redirectURI = "https://client.example/callback"
	answer, err := d.server.Register(t.Context(), map[string]any{
		"client_name": "E2E web client", "redirect_uris": []string{redirectURI},
	})
	if err != nil {
		t.Fatal(err)
	}
	id, secret := answer.Text("client_id"), answer.Text("client_secret")
	if answer.Status != http.StatusCreated || secret == "" || !answer.Has("client_secret_expires_at") {
		t.Fatalf("registration: %s", answer)
	}
	attempt := d.server.NewAttempt(id, redirectURI)
	code := d.walk(t, d.newBrowser(t, redirectURI), attempt, d.alice)
	form := attempt.ExchangeForm(code)
	wrong, err := d.server.Token(t.Context(), form, url.UserPassword(id, "not-"+secret))
	if err != nil {
		t.Fatal(err)
	}
	if wrong.Status != http.StatusUnauthorized || wrong.Text("error") != "invalid_client" ||
		!strings.HasPrefix(wrong.Header.Get("WWW-Authenticate"), "Basic") {
		t.Errorf("a wrong secret: %s", wrong)
	}
	right, err := d.server.Token(t.Context(), form, url.UserPassword(id, secret))
	if err != nil {
		t.Fatal(err)
	}
	if right.Status != http.StatusOK || right.Text("token_type") != "Bearer" {
		t.Errorf("the right secret after a wrong one: %s", right)
	}
	if right.Header.Get("Cache-Control") != "no-store" {
		t.Error("a token answer may be cached (RFC 6749 section 5.1)")
	}
}

// deniesOnRequest: a client that registered itself gets the answer when the user follows the link, not before.
func deniesOnRequest(t *testing.T, d *deployment) {
	c := d.register(t)
	b := d.newBrowser(t, c.redirectURI)
	attempt := d.server.NewAttempt(c.id, c.redirectURI)
	page := decide(t, b, openConsent(t, b, d.server.AuthorizeURL(attempt)), "deny")
	query := answerToClient(t, page, c.redirectURI)
	if query.Get("error") != "access_denied" || query.Get("state") != attempt.State ||
		query.Get("iss") != d.server.URL || query.Has("code") {
		t.Errorf("the client gets %v", query)
	}
}

// repeatsApproval: a double click, or the way back and again, leads to the provider once more, and to one code.
func repeatsApproval(t *testing.T, d *deployment) {
	c := d.register(t)
	b := d.newBrowser(t, c.redirectURI)
	attempt := d.server.NewAttempt(c.id, c.redirectURI)
	consent := openConsent(t, b, d.server.AuthorizeURL(attempt))
	decide(t, b, consent, "allow")
	d.codeOf(t, logIn(t, b, decide(t, b, consent, "allow"), d.alice), attempt)
	if page := decide(t, b, consent, "allow"); page.Left || page.Status != http.StatusBadRequest {
		t.Errorf("an approval after the end of the login: %s, want 400", page)
	}
}

// refusesAnotherBrowser: an attacker approves and lets the victim finish, or the other way round. The transaction is
// over then, also for the browser that approved it, and the provider is not asked for a token.
func refusesAnotherBrowser(t *testing.T, d *deployment) {
	c := d.register(t)
	attempt := d.server.NewAttempt(c.id, c.redirectURI)
	approver := browser.New(func(u *url.URL) bool { return u.Path == "/auth/callback" })
	page := approve(t, approver, d.server.AuthorizeURL(attempt), d.alice)
	d.noteSecrets(approver)
	if !page.Left {
		t.Fatalf("the provider did not send the browser back: %s", page)
	}
	callback := page.URL.String()
	d.secrets.Add("provider code", page.URL.Query().Get("code"))
	d.secrets.Add("provider state", page.URL.Query().Get("state"))

	calls := d.countProviderCalls()
	other := d.newBrowser(t, c.redirectURI)
	page, err := other.Open(t.Context(), callback)
	if err != nil {
		t.Fatal(err)
	}
	if page.Left || page.Status != http.StatusForbidden {
		t.Errorf("another browser got %s, want 403", page)
	}
	if after := d.countProviderCalls(); after != calls {
		t.Errorf("the provider's token endpoint was called %d times", after-calls)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, callback, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range approver.CookiesFor(req.URL) {
		req.AddCookie(cookie)
	}
	burned, err := oauthclient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if burned.Status != http.StatusBadRequest || burned.Header.Get("Location") != "" {
		t.Errorf("the approving browser afterwards: status %d, want 400", burned.Status)
	}
}

// countProviderCalls is how often the provider was asked for tokens. It is 0 where nobody counts.
func (d *deployment) countProviderCalls() int {
	if d.provider == nil {
		return 0
	}
	return d.provider.Count(realm.Token)
}

// refusesForgedConsent sends the form of a page that this browser has not seen.
func refusesForgedConsent(t *testing.T, d *deployment) {
	c := d.register(t)
	attempt := d.server.NewAttempt(c.id, c.redirectURI)
	attacker := d.newBrowser(t, c.redirectURI)
	form := openConsent(t, attacker, d.server.AuthorizeURL(attempt)).Form("action")
	victim := d.newBrowser(t, c.redirectURI)
	page, err := victim.Submit(t.Context(), form, form.Button("allow"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if page.Status != http.StatusForbidden {
		t.Errorf("a form from another browser got %s, want 403", page)
	}
	if len(victim.Cookies()) != 0 {
		t.Error("the refused form set a cookie")
	}
	// Nothing was decided: the browser that has seen the page can still answer it.
	decide(t, attacker, openConsent(t, attacker, d.server.AuthorizeURL(attempt)), "deny")
}

// neverRedirectsToUnproven: RFC 6749 section 4.1.2.1.
func neverRedirectsToUnproven(t *testing.T, d *deployment) {
	c := d.register(t)
	for name, change := range map[string]func(*oauthclient.Attempt){
		"an unknown client":    func(a *oauthclient.Attempt) { a.ClientID = "unknown" },
		"no client":            func(a *oauthclient.Attempt) { a.Extra = url.Values{"client_id": {""}} },
		"another path":         func(a *oauthclient.Attempt) { a.RedirectURI = "http://127.0.0.1:33418/other" },
		"another host":         func(a *oauthclient.Attempt) { a.RedirectURI = "https://attacker.example/callback" },
		"another loopback":     func(a *oauthclient.Attempt) { a.RedirectURI = "http://localhost:33418/callback" },
		"two redirect URIs":    func(a *oauthclient.Attempt) { a.Extra = url.Values{"redirect_uri": {a.RedirectURI, a.RedirectURI}} },
		"a lookalike loopback": func(a *oauthclient.Attempt) { a.RedirectURI = "http://127.0.0.1.attacker.example:33418/callback" },
	} {
		attempt := d.server.NewAttempt(c.id, c.redirectURI)
		change(&attempt)
		b := d.newBrowser(t, attempt.RedirectURI)
		page, err := b.Open(t.Context(), d.server.AuthorizeURL(attempt))
		if err != nil {
			t.Fatal(err)
		}
		if page.Left || page.Status != http.StatusBadRequest {
			t.Errorf("%s: %s, want a page with status 400", name, page)
		}
		if len(b.Cookies()) != 0 {
			t.Errorf("%s: the refusal set a cookie", name)
		}
	}
}

// tellsClientOfErrors: a program that waits on loopback is told at once. A web site that registered itself is told when
// the user follows the link, or this server would send people anywhere (RFC 9700 section 4.11.2).
func tellsClientOfErrors(t *testing.T, d *deployment) {
	for name, test := range map[string]struct {
		extra url.Values
		code  string
	}{
		"no PKCE":                     {url.Values{"code_challenge": {""}}, "invalid_request"},
		"plain PKCE":                  {url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		"a challenge of a wrong form": {url.Values{"code_challenge": {"short"}}, "invalid_request"},
		"another response type":       {url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		"a resource that is not ours": {url.Values{"resource": {"https://other.example/mcp"}}, "invalid_target"},
		"a request object (RFC 9101)": {url.Values{"request": {"e30.e30."}}, "request_not_supported"},
	} {
		for _, redirectURI := range []string{"http://127.0.0.1:33418/callback", "https://client.example/callback"} {
			answer, err := d.server.Register(t.Context(), nativeMetadata(redirectURI))
			if err != nil {
				t.Fatal(err)
			}
			attempt := d.server.NewAttempt(answer.Text("client_id"), redirectURI)
			attempt.Extra = test.extra
			page, err := d.newBrowser(t, redirectURI).Open(t.Context(), d.server.AuthorizeURL(attempt))
			if err != nil {
				t.Fatal(err)
			}
			onLoopback := strings.HasPrefix(redirectURI, "http:")
			if page.Left != onLoopback || !page.Left && page.Status != http.StatusBadRequest {
				t.Errorf("%s: %s, left for the client: %v", name, page, page.Left)
			}
			query := answerToClient(t, page, redirectURI)
			if query.Get("error") != test.code || query.Get("state") != attempt.State ||
				query.Get("iss") != d.server.URL || query.Has("code") {
				t.Errorf("%s: the client gets %v, want %s", name, query, test.code)
			}
		}
	}
}

// answerToClient is the authorization response that a page sends or links to.
func answerToClient(t *testing.T, page *browser.Page, redirectURI string) url.Values {
	t.Helper()
	if page.Left {
		return page.URL.Query()
	}
	at := slices.IndexFunc(page.Links, func(u *url.URL) bool { return strings.HasPrefix(u.String(), redirectURI+"?") })
	if at < 0 {
		t.Fatalf("no way back to the client: %s", page)
	}
	return page.Links[at].Query()
}
