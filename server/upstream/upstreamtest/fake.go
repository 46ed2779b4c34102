// Package upstreamtest is an identity provider for tests: OpenID Connect over HTTP on loopback, laid out like a Keycloak
// realm, with switches for what real providers do wrong and counters for what we must not do.
package upstreamtest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

const (
	realm    = "test"
	basePath = "/realms/" + realm
	clientID = "gatehouse"
	// clientSecret has characters that client authentication must encode (RFC 6749 section 2.3.1).
	clientSecret = "s3cret+of %the:app"
)

// Endpoint names a part of the provider, for faults and counters.
type Endpoint string

// Endpoints.
const (
	Discovery     Endpoint = "/.well-known/openid-configuration"
	Keys          Endpoint = "/protocol/openid-connect/certs"
	Authorization Endpoint = "/protocol/openid-connect/auth"
	Token         Endpoint = "/protocol/openid-connect/token"
	Userinfo      Endpoint = "/protocol/openid-connect/userinfo"
	Introspection Endpoint = "/protocol/openid-connect/token/introspect"
	Revocation    Endpoint = "/protocol/openid-connect/revoke"
)

// FakeIdP is an identity provider that approves at once. Its methods are safe for concurrent use. It serves until the
// test ends.
type FakeIdP struct { //nolint:staticcheck // ST1003: people write IdP
	tb     testing.TB
	server *httptest.Server

	mu            sync.Mutex
	now           func() time.Time
	secret        string
	users         map[string]User
	signedIn      string // who a browser is that does not say
	keys          []*Key // the last one signs
	codes         map[string]*login
	refreshTokens map[string]*session
	accessTokens  map[string]*accessToken
	browsers      map[string]*browserSession // the newest of each user
	settings      Settings
	faults        map[Endpoint]Fault
	edits         edits
	requests      map[Endpoint]int
	presentations map[string]int
	renewals      int
	revocations   map[string]int
}

// Settings is the ordinary behaviour that differs between providers.
type Settings struct {
	AccessLifetime  time.Duration // of access tokens
	RefreshLifetime time.Duration // announced for refresh tokens; zero announces no end
	Rotation        Rotation
	Opaque          bool // access tokens are no JWTs
	RequirePKCE     bool
	OmitIssuer      bool // neither announces nor sends the iss parameter (RFC 9207)
	SparseIDToken   bool // name and e-mail are at the userinfo endpoint only
	NoIntrospection bool // does not announce the endpoint (RFC 7662)
	OtherAudience   bool // access tokens are for others, as Keycloak's are unless told otherwise: we may not introspect them
	NoRevocation    bool // does not announce the endpoint (RFC 7009)
	OneSession      bool // logins of a user are one session, as in one browser at Keycloak, and end together
}

// Rotation is what a renewal does to the refresh token.
type Rotation int

// Rotations.
const (
	RotateStrict Rotation = iota // a new one each time; presenting an old one ends the session
	Repeat                       // the same one in every answer
	Omit                         // none in the answer; the old one stays good
)

// New starts a provider with the users alice and bob, one ES256 key and the clock of the system.
func New(tb testing.TB) *FakeIdP {
	tb.Helper()
	f := &FakeIdP{
		tb:            tb,
		now:           time.Now,
		secret:        clientSecret,
		users:         map[string]User{},
		signedIn:      "alice",
		codes:         map[string]*login{},
		refreshTokens: map[string]*session{},
		accessTokens:  map[string]*accessToken{},
		browsers:      map[string]*browserSession{},
		settings:      Settings{AccessLifetime: 5 * time.Minute, RefreshLifetime: 30 * time.Minute, RequirePKCE: true},
		faults:        map[Endpoint]Fault{},
		requests:      map[Endpoint]int{},
		presentations: map[string]int{},
		revocations:   map[string]int{},
	}
	f.AddUser(alice())
	f.AddUser(bob())
	f.RotateKey("ES256")
	mux := http.NewServeMux()
	for endpoint, handler := range map[Endpoint]http.HandlerFunc{
		Discovery:     f.serveDiscovery,
		Keys:          f.serveKeys,
		Authorization: f.serveAuthorization,
		Token:         f.serveToken,
		Userinfo:      f.serveUserinfo,
		Introspection: f.serveIntrospection,
		Revocation:    f.serveRevocation,
	} {
		mux.Handle(basePath+string(endpoint), f.instrumented(endpoint, handler))
	}
	f.server = httptest.NewServer(mux)
	tb.Cleanup(f.server.Close)
	return f
}

// instrumented counts requests and serves faults.
func (f *FakeIdP) instrumented(endpoint Endpoint, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, refreshToken := r.PostFormValue("code"), r.PostFormValue("refresh_token")
		f.mu.Lock()
		f.requests[endpoint]++
		f.presentations[code]++
		f.presentations[refreshToken]++
		fault := f.faults[endpoint]
		f.mu.Unlock()
		if fault != nil {
			fault(w, r)
			return
		}
		next(w, r)
	})
}

// BaseURL returns the base URL in the sense of Keycloak: the issuer is BaseURL/realms/Realm.
func (f *FakeIdP) BaseURL() string { return f.server.URL }

// Realm returns the name of the realm.
func (f *FakeIdP) Realm() string { return realm }

// Issuer returns the issuer identifier.
func (f *FakeIdP) Issuer() string { return f.server.URL + basePath }

// ClientID returns the id of the one client.
func (f *FakeIdP) ClientID() string { return clientID }

// ClientSecret returns the client's secret as it was at the start.
func (f *FakeIdP) ClientSecret() secret.Text { return secret.NewText(clientSecret) }

// Config returns the configuration with which an upstream.OIDC uses this provider, on the same clock.
func (f *FakeIdP) Config(redirectURL string) upstream.OIDCConfig {
	return upstream.OIDCConfig{
		Name:         "fake",
		DisplayName:  "Fake provider",
		Issuer:       f.Issuer(),
		ClientID:     clientID,
		ClientSecret: f.ClientSecret(),
		RedirectURL:  redirectURL,
		Now:          f.time,
	}
}

// SetClock replaces the clock.
func (f *FakeIdP) SetClock(now func() time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = now
}

// Configure changes settings.
func (f *FakeIdP) Configure(change func(*Settings)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.settings)
}

// SetClientSecret replaces the secret that the provider expects, as an operator would at its console.
func (f *FakeIdP) SetClientSecret(value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.secret = value
}

// Requests returns how many requests an endpoint got, failed ones included.
func (f *FakeIdP) Requests(endpoint Endpoint) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[endpoint]
}

// Presentations returns how often a code or refresh token arrived at the token endpoint, under a fault or not.
func (f *FakeIdP) Presentations(credential secret.Text) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.presentations[credential.Reveal()]
}

// Renewals returns how many refresh tokens were accepted.
func (f *FakeIdP) Renewals() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.renewals
}

// Revocations returns how often a token was taken back.
func (f *FakeIdP) Revocations(token secret.Text) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.revocations[token.Reveal()]
}

// time reads the clock without the lock held.
func (f *FakeIdP) time() time.Time {
	f.mu.Lock()
	now := f.now
	f.mu.Unlock()
	return now()
}
