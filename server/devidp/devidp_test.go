package devidp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/gatehouse-auth/gatehouse/server/devidp"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

const redirectURI = "http://127.0.0.1:8000/auth/callback"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is the provider on a loopback port, and this server's side of it.
type rig struct {
	config   devidp.Config
	client   *http.Client // a browser that shows redirects instead of following them
	provider *upstream.OIDC
}

func newRig(t *testing.T, lifetime time.Duration) rig {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	config := devidp.Config{
		Issuer:              server.URL,
		ClientID:            "gatehouse",
		ClientSecret:        secret.NewSource(nil).Text(""),
		RedirectURI:         redirectURI,
		AccessTokenLifetime: lifetime,
	}
	var err error
	if handler, err = devidp.New(config); err != nil {
		t.Fatal(err)
	}
	provider, err := upstream.NewOIDC(upstream.OIDCConfig{
		Name: "dev", Issuer: config.Issuer, ClientID: config.ClientID, ClientSecret: config.ClientSecret,
		RedirectURL: redirectURI, Scopes: []string{"openid", "profile", "email", "groups"},
	})
	if err != nil {
		t.Fatal(err)
	}
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return rig{config: config, client: client, provider: provider}
}

// attempt is an authorization whose login page is open.
type attempt struct {
	rig
	request upstream.AuthorizationRequest
	action  string
	page    string
}

var formAction = regexp.MustCompile(`action="(/authorize/[^"]+)"`)

func (r rig) begin(t *testing.T) attempt {
	t.Helper()
	source := secret.NewSource(nil)
	request := upstream.AuthorizationRequest{State: source.Text(""), Nonce: source.Text(""), Verifier: source.Text("")}
	location, err := r.provider.AuthorizationURL(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	page := r.get(t, location)
	action := formAction.FindStringSubmatch(page.body)
	if page.status != http.StatusOK || action == nil {
		t.Fatalf("no login page: %d %s", page.status, page.body)
	}
	return attempt{rig: r, request: request, action: r.config.Issuer + action[1], page: page.body}
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (r rig) get(t *testing.T, location string) answer {
	t.Helper()
	response, err := r.client.Get(location)
	return read(t, response, err)
}

func (a attempt) submit(t *testing.T, fields url.Values) answer {
	t.Helper()
	response, err := a.client.PostForm(a.action, fields)
	return read(t, response, err)
}

func read(t *testing.T, response *http.Response, err error) answer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: response.StatusCode, header: response.Header, body: string(body)}
}

func credentials(username, password string) url.Values {
	return url.Values{devidp.FieldUsername: {username}, devidp.FieldPassword: {password}}
}

// callback logs in and returns the parameters of the callback.
func (a attempt) callback(t *testing.T, fields url.Values) url.Values {
	t.Helper()
	got := a.submit(t, fields)
	location, err := url.Parse(got.header.Get("Location"))
	if err != nil || !strings.HasPrefix(location.String(), redirectURI+"?") {
		t.Fatalf("status %d, redirect to %s: %v", got.status, location, err)
	}
	if got := location.Query().Get("state"); got != a.request.State.Reveal() {
		t.Errorf("state %q did not come back", got)
	}
	return location.Query()
}

func (a attempt) exchange(callback url.Values) upstream.ExchangeRequest {
	return upstream.ExchangeRequest{
		Code: secret.NewText(callback.Get("code")), Verifier: a.request.Verifier, Nonce: a.request.Nonce,
		Issuer: callback.Get("iss"),
	}
}

func (r rig) logIn(t *testing.T, username string) upstream.Login {
	t.Helper()
	a := r.begin(t)
	login, err := r.provider.Exchange(t.Context(), a.exchange(a.callback(t, credentials(username, username))))
	if err != nil {
		t.Fatal(err)
	}
	return login
}

func TestSeededUsersLogIn(t *testing.T) {
	r := newRig(t, 0)
	for _, user := range devidp.DefaultUsers() {
		login := r.logIn(t, user.Username)
		want := upstream.Identity{
			Issuer: r.config.Issuer, Subject: user.Subject, Name: user.Name, GivenName: user.GivenName,
			FamilyName: user.FamilyName, Email: user.Email, EmailVerified: true, PreferredUsername: user.Username,
			Groups: user.Groups,
		}
		if diff := cmp.Diff(want, login.Identity); diff != "" {
			t.Errorf("%s (-want +got):\n%s", user.Username, diff)
		}
		if left := time.Until(login.Tokens.AccessExpireTime); left < 4*time.Minute || left > 5*time.Minute {
			t.Errorf("the access token lives %v, want five minutes", left)
		}
		if err := r.provider.Check(t.Context(), login.Tokens); err != nil {
			t.Errorf("Check: %v", err)
		}
	}
}

func TestAccessTokenLifetimeIsConfigurable(t *testing.T) {
	login := newRig(t, 90*time.Second).logIn(t, "alice")
	if left := time.Until(login.Tokens.AccessExpireTime); left < time.Minute || left > 90*time.Second {
		t.Errorf("the access token lives %v", left)
	}
}

func TestRefreshTokensRotate(t *testing.T) {
	r := newRig(t, 0)
	login := r.logIn(t, "bob")
	renewed, err := r.provider.Renew(t.Context(), login.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	if renewed.Identity.Subject != login.Identity.Subject || renewed.Tokens.RefreshToken.Equal(login.Tokens.RefreshToken) {
		t.Error("the renewal is about somebody else, or did not rotate")
	}
	if _, err := r.provider.Renew(t.Context(), login.Tokens); upstream.KindOf(err) != upstream.KindInvalidGrant {
		t.Errorf("a spent refresh token: %v", err)
	}
	if _, err := r.provider.Renew(t.Context(), renewed.Tokens); err != nil {
		t.Errorf("its successor: %v", err)
	}
}

func TestCodeIsRedeemedOnce(t *testing.T) {
	r := newRig(t, 0)
	a := r.begin(t)
	request := a.exchange(a.callback(t, credentials("alice", "alice")))
	if _, err := r.provider.Exchange(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if _, err := r.provider.Exchange(t.Context(), request); upstream.KindOf(err) != upstream.KindInvalidGrant {
		t.Errorf("a replayed code: %v", err)
	}
}

func TestWrongPasswordAsksAgain(t *testing.T) {
	a := newRig(t, 0).begin(t)
	for _, fields := range []url.Values{credentials("alice", "bob"), credentials("<b>eve", "eve"), credentials("", ""), {}} {
		got := a.submit(t, fields)
		if got.status != http.StatusUnauthorized || !strings.Contains(got.body, `data-test="wrong"`) {
			t.Errorf("%v: status %d", fields, got.status)
		}
		if strings.Contains(got.body, "<b>") {
			t.Error("the page repeats markup")
		}
	}
	if got := a.callback(t, credentials("alice", "alice")); got.Get("code") == "" {
		t.Errorf("the right password after wrong ones: %v", got)
	}
}

func TestCancelIsAccessDenied(t *testing.T) {
	got := newRig(t, 0).begin(t).callback(t, url.Values{devidp.FieldCancel: {"yes"}})
	if got.Get("error") != "access_denied" || got.Has("code") {
		t.Errorf("callback %v", got)
	}
}

func TestLoginPageNamesUsersAndRunsNothing(t *testing.T) {
	r := newRig(t, 0)
	a := r.begin(t)
	for _, want := range []string{"Alice Archer", "bob@example.com", `data-test="user-alice"`, `name="password"`} {
		if !strings.Contains(a.page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(a.page, "<script") || strings.Contains(a.page, "http://") || strings.Contains(a.page, "https://") {
		t.Error("the page has a script or loads from elsewhere")
	}
	again := a.submit(t, credentials("alice", "wrong"))
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src " + styleHash(t, a.page),
		"X-Frame-Options":         "DENY",
		"Cache-Control":           "no-store",
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
	} {
		if got := again.header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// styleHash returns the CSP source for the style sheet in a page.
func styleHash(t *testing.T, page string) string {
	t.Helper()
	_, rest, _ := strings.Cut(page, "<style>")
	css, _, ok := strings.Cut(rest, "</style>")
	if !ok {
		t.Fatal("the page has no style sheet")
	}
	digest := sha256.Sum256([]byte(css))
	return "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
}

// Each of these requests is wrong in a way that must not lead to a code.
func TestAuthorizationRequestIsValidated(t *testing.T) {
	r := newRig(t, 0)
	for _, test := range []struct {
		name   string
		change func(url.Values)
		status int // of a page; zero for an error in the callback
	}{
		{"unknown redirect URI", func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1:9999/cb") }, http.StatusBadRequest},
		{"longer redirect URI", func(q url.Values) { q.Set("redirect_uri", redirectURI+"/x") }, http.StatusBadRequest},
		{"unknown client", func(q url.Values) { q.Set("client_id", "other") }, http.StatusUnauthorized},
		{"no PKCE", func(q url.Values) { q.Del("code_challenge"); q.Del("code_challenge_method") }, 0},
		{"plain PKCE", func(q url.Values) { q.Set("code_challenge_method", "plain") }, 0},
		{"implicit grant", func(q url.Values) { q.Set("response_type", "token") }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			location, err := r.provider.AuthorizationURL(t.Context(), upstream.AuthorizationRequest{
				State: secret.NewText("state"), Nonce: secret.NewText("nonce"), Verifier: secret.NewText(strings.Repeat("v", 43)),
			})
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(location)
			if err != nil {
				t.Fatal(err)
			}
			query := u.Query()
			test.change(query)
			u.RawQuery = query.Encode()
			got := r.get(t, u.String())
			target := got.header.Get("Location")
			if test.status != 0 {
				if got.status != test.status || target != "" || !strings.Contains(got.body, "cannot go on") {
					t.Errorf("status %d, location %q, want a page with status %d", got.status, target, test.status)
				}
				return
			}
			if !strings.HasPrefix(target, redirectURI) || !strings.Contains(target, "error=") {
				t.Errorf("status %d, location %q, want an error in the callback", got.status, target)
			}
		})
	}
}

func TestVerifierBindsTheCode(t *testing.T) {
	r := newRig(t, 0)
	a := r.begin(t)
	request := a.exchange(a.callback(t, credentials("alice", "alice")))
	request.Verifier = secret.NewSource(nil).Text("")
	if _, err := r.provider.Exchange(t.Context(), request); upstream.KindOf(err) != upstream.KindInvalidGrant {
		t.Errorf("another verifier: %v", err)
	}
}

func TestRebindingHostGetsNoAnswer(t *testing.T) {
	r := newRig(t, 0)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.config.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example"
	response, err := r.client.Do(request)
	if got := read(t, response, err); got.status != http.StatusMisdirectedRequest {
		t.Errorf("status %d", got.status)
	}
}

func TestConfigIsValidated(t *testing.T) {
	good := devidp.Config{
		Issuer: "http://127.0.0.1:8001", ClientID: "gatehouse", ClientSecret: secret.NewText("s"), RedirectURI: redirectURI,
	}
	if _, err := devidp.New(good); err != nil {
		t.Fatalf("a good configuration: %v", err)
	}
	for name, change := range map[string]func(*devidp.Config){
		"public address":      func(c *devidp.Config) { c.Issuer = "http://192.0.2.1:8001" },
		"unspecified address": func(c *devidp.Config) { c.Issuer = "http://0.0.0.0:8001" },
		"public name":         func(c *devidp.Config) { c.Issuer = "http://idp.example.com" },
		"lookalike name":      func(c *devidp.Config) { c.Issuer = "http://localhost.example.com" },
		"loopback as user":    func(c *devidp.Config) { c.Issuer = "http://127.0.0.1@idp.example.com" },
		"https":               func(c *devidp.Config) { c.Issuer = "https://127.0.0.1:8001" },
		"path":                func(c *devidp.Config) { c.Issuer = "http://127.0.0.1:8001/idp" },
		"trailing slash":      func(c *devidp.Config) { c.Issuer = "http://127.0.0.1:8001/" },
		"no client":           func(c *devidp.Config) { c.ClientID = "" },
		"no secret":           func(c *devidp.Config) { c.ClientSecret = secret.Text{} },
		"relative redirect":   func(c *devidp.Config) { c.RedirectURI = "/auth/callback" },
		"nameless user":       func(c *devidp.Config) { c.Users = []devidp.User{{Subject: "1", Password: "x"}} },
		"shared subject": func(c *devidp.Config) {
			c.Users = []devidp.User{{Subject: "1", Username: "a", Password: "x"}, {Subject: "1", Username: "b", Password: "x"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			change(&config)
			if _, err := devidp.New(config); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestLoginNamesItsSession(t *testing.T) {
	r := newRig(t, 0)
	first, second := r.logIn(t, "alice"), r.logIn(t, "alice")
	if first.SessionID == "" || first.SessionID == second.SessionID {
		t.Errorf("sessions %q and %q", first.SessionID, second.SessionID)
	}
	renewed, err := r.provider.Renew(t.Context(), first.Tokens)
	if err != nil || renewed.SessionID != first.SessionID {
		t.Errorf("session %q became %q: %v", first.SessionID, renewed.SessionID, err)
	}
}

func TestTokensAreConfirmedUntilTheyAreGivenBack(t *testing.T) {
	r := newRig(t, 0)
	login, other := r.logIn(t, "alice"), r.logIn(t, "alice")
	for range 2 { // an introspection leaves everything as it is
		if err := r.provider.Confirm(t.Context(), login.Tokens); err != nil {
			t.Fatalf("Confirm: %v", err)
		}
	}
	renewed, err := r.provider.Renew(t.Context(), login.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.provider.Revoke(t.Context(), renewed.Tokens); err != nil {
		t.Fatalf("Revoke: %v", err)
	}
	for name, tokens := range map[string]upstream.Tokens{"renewed": renewed.Tokens, "old": login.Tokens} {
		if err := r.provider.Confirm(t.Context(), tokens); upstream.KindOf(err) != upstream.KindNotHeld {
			t.Errorf("%s tokens after they were given back: %v", name, err)
		}
	}
	if _, err := r.provider.Renew(t.Context(), renewed.Tokens); upstream.KindOf(err) != upstream.KindInvalidGrant {
		t.Errorf("renewal after they were given back: %v", err)
	}
	if err := r.provider.Confirm(t.Context(), other.Tokens); err != nil {
		t.Errorf("the other login: %v", err)
	}
}

func TestAccessTokenThatIsGivenBackEndsTheLogin(t *testing.T) {
	r := newRig(t, 0)
	tokens := r.logIn(t, "bob").Tokens
	tokens.RefreshToken = secret.Text{}
	if err := r.provider.Revoke(t.Context(), tokens); err != nil {
		t.Fatalf("Revoke: %v", err)
	}
	if err := r.provider.Confirm(t.Context(), tokens); upstream.KindOf(err) != upstream.KindNotHeld {
		t.Errorf("Confirm: %v", err)
	}
}

func TestIntrospectionAndRevocationNeedTheClient(t *testing.T) {
	r := newRig(t, 0)
	tokens := r.logIn(t, "alice").Tokens
	stranger, err := upstream.NewOIDC(upstream.OIDCConfig{
		Name: "dev", Issuer: r.config.Issuer, ClientID: r.config.ClientID, ClientSecret: secret.NewText("guess"),
		RedirectURL: redirectURI,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Confirm": stranger.Confirm(t.Context(), tokens), "Revoke": stranger.Revoke(t.Context(), tokens),
	} {
		if upstream.KindOf(err) != upstream.KindMisconfigured {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.provider.Confirm(t.Context(), tokens); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
