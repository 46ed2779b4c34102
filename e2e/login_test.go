package e2e

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/browser"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

// client is a registered client of a test.
type client struct {
	id, redirectURI string
}

// session is what a client has after a login.
type session struct {
	client
	attempt         oauthclient.Attempt
	code            string
	access, refresh string
	scope           string
}

// nativeMetadata is the registration of a command-line client.
func nativeMetadata(redirectURI string) map[string]any {
	return map[string]any{
		"client_name":                "E2E client",
		"redirect_uris":              []string{redirectURI},
		"grant_types":                []string{"authorization_code", "refresh_token"},
		"response_types":             []string{"code"},
		"token_endpoint_auth_method": "none",
		"application_type":           "native",
	}
}

// register registers a public client on loopback. Nobody listens at its redirect URI: the browser of the tests stops
// before it.
func (d *deployment) register(t *testing.T) client {
	t.Helper()
	return d.registerAt(t, "http://127.0.0.1:33418/callback")
}

// registerAt registers a public client with a redirect URI.
func (d *deployment) registerAt(t *testing.T, redirectURI string) client {
	t.Helper()
	answer, err := d.server.Register(t.Context(), nativeMetadata(redirectURI))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status != http.StatusCreated || answer.Text("client_id") == "" {
		t.Fatalf("registration: %s", answer)
	}
	d.known.Add("client id", answer.Text("client_id"))
	return client{id: answer.Text("client_id"), redirectURI: redirectURI}
}

// openConsent goes to the consent page of an authorization request.
func openConsent(t *testing.T, b *browser.Browser, address string) *browser.Page {
	t.Helper()
	page, err := b.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if page.Status != http.StatusOK || page.Form("action") == nil {
		t.Fatalf("no consent page: %s", page)
	}
	return page
}

// decide answers the consent page with allow or deny.
func decide(t *testing.T, b *browser.Browser, page *browser.Page, decision string) *browser.Page {
	t.Helper()
	form := page.Form("action")
	button := form.Button(decision)
	if button == nil {
		t.Fatalf("the consent page has no button %q: %s", decision, page)
	}
	page, err := b.Submit(t.Context(), form, button, nil)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// logIn fills in the login form of the provider. It is the last that has a user name: before it the built-in provider
// has one for each of its users.
func logIn(t *testing.T, b *browser.Browser, page *browser.Page, who person) *browser.Page {
	t.Helper()
	var form *browser.Form
	for _, candidate := range page.Forms {
		if candidate.Has("username") {
			form = candidate
		}
	}
	if form == nil {
		t.Fatalf("no login page: %s", page)
	}
	page, err := b.Submit(t.Context(), form, nil, url.Values{"username": {who.username}, "password": {who.password}})
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// approve takes an authorization request through consent and login, to where the browser ends up.
func approve(t *testing.T, b *browser.Browser, address string, who person) *browser.Page {
	t.Helper()
	return logIn(t, b, decide(t, b, openConsent(t, b, address), "allow"), who)
}

// walk takes an attempt through consent and login to the code.
func (d *deployment) walk(t *testing.T, b *browser.Browser, attempt oauthclient.Attempt, who person) string {
	t.Helper()
	return d.codeOf(t, approve(t, b, d.server.AuthorizeURL(attempt), who), attempt)
}

// codeOf checks the authorization response that a browser brings to the client, and returns its code.
func (d *deployment) codeOf(t *testing.T, page *browser.Page, attempt oauthclient.Attempt) string {
	t.Helper()
	if !page.Left {
		t.Fatalf("the browser did not come back to the client: %s", page)
	}
	query := page.URL.Query()
	d.secrets.Add("authorization code", query.Get("code"))
	if query.Get("error") != "" || query.Get("code") == "" {
		t.Fatalf("the client got error %q (%s) instead of a code", query.Get("error"), query.Get("error_description"))
	}
	if query.Get("state") != attempt.State {
		t.Error("the client got another state than it sent")
	}
	if query.Get("iss") != d.server.URL {
		t.Errorf("iss is %q, want %q (RFC 9207)", query.Get("iss"), d.server.URL)
	}
	return query.Get("code")
}

// connect logs a user in with a new client, up to its tokens.
func (d *deployment) connect(t *testing.T, who person) session {
	t.Helper()
	return d.connectClient(t, d.register(t), who)
}

// connectClient logs a user in with a client, up to its tokens.
func (d *deployment) connectClient(t *testing.T, c client, who person) session {
	t.Helper()
	s := session{client: c, attempt: d.server.NewAttempt(c.id, c.redirectURI)}
	s.code = d.walk(t, d.newBrowser(t, s.redirectURI), s.attempt, who)
	answer := d.exchange(t, s.attempt.ExchangeForm(s.code))
	if answer.Status != http.StatusOK {
		t.Fatalf("token: %s", answer)
	}
	s.access, s.refresh, s.scope = answer.Text("access_token"), answer.Text("refresh_token"), answer.Text("scope")
	return s
}

// checkHolds uses a token for a while. It must be good all the time.
func (d *deployment) checkHolds(t *testing.T, s session, duration time.Duration) {
	t.Helper()
	end := time.Now().Add(duration)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if status := d.mcpStatus(t, s.access); status != http.StatusOK {
			t.Fatalf("the token is refused: %d", status)
		}
		if !time.Now().Before(end) {
			return
		}
		<-tick.C
	}
}
