package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

const (
	allowButton = `button[name=action][value=allow]`
	denyButton  = `button[name=action][value=deny]`
)

// TestChromiumLogin walks the whole login in a real browser, which enforces what the plain one of the other tests only
// looks at: cookie rules, and the policy of the pages along the chain of forms and redirects.
func TestChromiumLogin(t *testing.T) {
	d := startBuiltIn(t)
	app := startApp(t)
	p := newProfile(t)
	attempt := d.attemptFor(t, app.redirectURI)

	p.open(d.server.AuthorizeURL(attempt))
	p.click(allowButton)
	p.logIn(d.alice)

	answer := app.await(t)
	d.secrets.Add("authorization code", answer.Get("code"))
	if answer.Get("state") != attempt.State || answer.Get("iss") != d.server.URL {
		t.Errorf("the application got %v", answer)
	}
	if token := d.exchange(t, attempt.ExchangeForm(answer.Get("code"))); token.Status != http.StatusOK {
		t.Errorf("token: %s", token)
	}
	p.checkPolicy(hostOf(t, d.server.URL), app.host, d.providerHost)
}

// TestChromiumDeny: a program on loopback hears of the refusal at once.
func TestChromiumDeny(t *testing.T) {
	d := startBuiltIn(t)
	app := startApp(t)
	p := newProfile(t)
	attempt := d.attemptFor(t, app.redirectURI)

	p.open(d.server.AuthorizeURL(attempt))
	p.click(denyButton)
	answer := app.await(t)
	if answer.Get("error") != "access_denied" || answer.Get("state") != attempt.State || answer.Get("iss") != d.server.URL {
		t.Errorf("the application got %v", answer)
	}
	p.checkPolicy(hostOf(t, d.server.URL), app.host)
}

// TestChromiumOtherProfile: one browser approves, another brings the provider's answer. That is how an attacker would
// get a victim's login for a client of theirs, or have the victim use the attacker's.
func TestChromiumOtherProfile(t *testing.T) {
	d := startServe(t).deployment
	app := startApp(t)
	attacker, victim := newProfile(t), newProfile(t)

	attacker.open(d.server.AuthorizeURL(d.attemptFor(t, app.redirectURI)))
	attacker.click(allowButton)
	attacker.awaitElement("#username")
	lure := attacker.address()

	before := d.countProviderCalls()
	victim.open(lure)
	victim.logIn(d.alice)
	victim.awaitElement(`[data-test=error][data-kind=wrong-browser]`)
	if status := victim.status(); status != http.StatusForbidden {
		t.Errorf("the other browser got status %d, want 403", status)
	}
	if after := d.countProviderCalls(); after != before {
		t.Errorf("the provider's token endpoint was called %d times", after-before)
	}
	if got := app.count(); got != 0 {
		t.Errorf("the application was called %d times", got)
	}
	victim.checkPolicy(hostOf(t, d.server.URL), d.providerHost)
}

// TestChromiumPages shows every page on a desktop and, in dark mode, on a phone, where nothing may be wider than the
// screen. The pictures are for people; the log of the test says where they are.
func TestChromiumPages(t *testing.T) {
	d := startBuiltIn(t)
	album := newAlbum(t)
	for _, device := range []string{"desktop", "phone"} {
		p := newProfile(t)
		if device == "phone" {
			p.onPhone()
		}
		p.open(d.server.URL + "/")
		album.add(p, device+"-home")
		p.open(d.server.URL + "/authorize?client_id=unknown")
		album.add(p, device+"-error")
		p.open(d.server.AuthorizeURL(d.attemptFor(t, "http://127.0.0.1:33418/callback")))
		p.awaitElement(allowButton)
		album.add(p, device+"-consent-program")
		p.open(d.server.AuthorizeURL(d.attemptFor(t, "https://login.client.example/callback")))
		p.awaitElement(allowButton)
		album.add(p, device+"-consent-site")
		p.click(denyButton)
		p.awaitElement(`[data-test=denied]`)
		album.add(p, device+"-denied")
		p.open(d.server.AuthorizeURL(d.attemptFor(t, "http://127.0.0.1:33418/callback")))
		p.click(allowButton)
		p.awaitElement("#password")
		album.add(p, device+"-provider")
		p.checkPolicy(hostOf(t, d.server.URL), d.providerHost)
	}
}

// attemptFor registers an application and begins a login for it.
func (d *deployment) attemptFor(t *testing.T, redirectURI string) oauthclient.Attempt {
	t.Helper()
	answer, err := d.server.Register(t.Context(), nativeMetadata(redirectURI))
	if err != nil || answer.Status != http.StatusCreated {
		t.Fatalf("registration: %s, %v", answer, err)
	}
	return d.server.NewAttempt(answer.Text("client_id"), redirectURI)
}

// app is an application that waits on loopback for its authorization response.
type app struct {
	host, redirectURI string
	answers           chan url.Values
}

func startApp(t *testing.T) *app {
	t.Helper()
	a := &app{answers: make(chan url.Values, 10)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		a.answers <- r.URL.Query()
		_, _ = w.Write([]byte("You can close this tab."))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a.host = server.Listener.Addr().String()
	a.redirectURI = server.URL + "/callback"
	return a
}

// await returns the next response.
func (a *app) await(t *testing.T) url.Values {
	t.Helper()
	select {
	case answer := <-a.answers:
		return answer
	case <-time.After(20 * time.Second):
		t.Fatal("the browser did not come back to the application")
		return nil
	}
}

// count is how many responses wait.
func (a *app) count() int { return len(a.answers) }

// album is a folder of pictures that stays after the test.
type album struct {
	t   *testing.T
	dir string
}

func newAlbum(t *testing.T) album {
	t.Helper()
	dir, err := os.MkdirTemp("", "gatehouse-pages-") //nolint:usetesting // the screenshots are for a person to look at afterwards //nolint:usetesting // people look at the pictures after the test
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("screenshots: %s", dir)
	return album{t: t, dir: dir}
}

// add takes a picture of the whole page, and fails the test when it is wider than the window.
func (a album) add(p *profile, name string) {
	a.t.Helper()
	var picture []byte
	var overflow int
	// A page that was just loaded may not be laid out yet: it has no width then.
	eventually(a.t, 10*time.Second, "a picture of "+name, func() bool {
		return chromedp.Run(p.tab, chromedp.FullScreenshot(&picture, 100)) == nil
	})
	p.run("measure "+name,
		chromedp.Evaluate(`document.documentElement.scrollWidth - window.innerWidth`, &overflow))
	if overflow > 0 {
		a.t.Errorf("%s: the page is %d pixels wider than the window", name, overflow)
	}
	if err := os.WriteFile(filepath.Join(a.dir, name+".png"), picture, 0o644); err != nil {
		a.t.Fatal(err)
	}
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
