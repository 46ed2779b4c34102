// Package realm is an identity provider for tests that looks like one realm of a Keycloak: its paths, its login form
// and its tokens. Refresh tokens rotate strictly: one that is presented twice ends its session. It counts what is asked of
// it and reports every secret that it gives out.
package realm

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Name is the name of the realm.
const Name = "gatehouse"

// Config describes the realm.
type Config struct {
	// ClientID and ClientSecret are those of the one client, which is confidential and has to use PKCE.
	ClientID, ClientSecret string
	// RedirectURI is the one redirect URI of the client.
	RedirectURI string
	// Users may log in.
	Users []User
	// AccessLife is the life of access tokens; 0 means five minutes.
	AccessLife time.Duration
	// Secret is told every secret that the realm gives out, with its kind.
	Secret func(kind, value string)
}

// User is a user of the realm.
type User struct {
	Subject, Username, Password  string
	GivenName, FamilyName, Email string
}

// Endpoint is an endpoint that the realm counts.
type Endpoint string

// Endpoints.
const (
	Authorization Endpoint = "auth"
	Token         Endpoint = "token"
	UserInfo      Endpoint = "userinfo"
	Introspection Endpoint = "token/introspect"
	Revocation    Endpoint = "revoke"
)

// Realm is a running realm. Close it after use.
type Realm struct {
	config Config
	key    *rsa.PrivateKey
	server *httptest.Server
	// baseURL is known before the server answers, since its answers contain it.
	baseURL string

	mu            sync.Mutex
	counts        map[Endpoint]int
	logins        map[string]authorization // by session code
	codes         map[string]login
	refreshTokens map[string]*session // spent ones, too
	accessTokens  map[string]accessToken
	renewals      int
	replays       int
}

// authorization is an accepted authorization request.
type authorization struct {
	redirectURI, state, nonce, challenge, scope string
}

// login is an authorization that a user completed.
type login struct {
	authorization
	user User
}

// Start runs a realm on a free loopback port.
func Start(config Config) (*Realm, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("realm: %w", err)
	}
	r := &Realm{
		config:        config,
		key:           key,
		counts:        make(map[Endpoint]int),
		logins:        make(map[string]authorization),
		codes:         make(map[string]login),
		refreshTokens: make(map[string]*session),
		accessTokens:  make(map[string]accessToken),
	}
	if r.config.AccessLife == 0 {
		r.config.AccessLife = accessLife
	}
	mux := http.NewServeMux()
	const protocol = "/realms/" + Name + "/protocol/openid-connect/"
	mux.HandleFunc("GET /realms/"+Name+"/.well-known/openid-configuration", r.discovery)
	mux.HandleFunc("GET "+protocol+"certs", r.certs)
	mux.HandleFunc("GET "+protocol+string(Authorization), r.counted(Authorization, r.authorize))
	mux.HandleFunc("POST /realms/"+Name+"/login-actions/authenticate", r.authenticate)
	mux.HandleFunc("POST "+protocol+string(Token), r.counted(Token, r.token))
	mux.HandleFunc(protocol+string(UserInfo), r.counted(UserInfo, r.userinfo))
	mux.HandleFunc("POST "+protocol+string(Introspection), r.counted(Introspection, r.introspect))
	mux.HandleFunc("POST "+protocol+string(Revocation), r.counted(Revocation, r.revoke))
	r.server = httptest.NewUnstartedServer(mux)
	r.baseURL = "http://" + r.server.Listener.Addr().String()
	r.server.Start()
	return r, nil
}

// Close ends the realm.
func (r *Realm) Close() { r.server.Close() }

// BaseURL is what KEYCLOAK_BASE_URL has to be.
func (r *Realm) BaseURL() string { return r.baseURL }

// Issuer is the issuer of the realm's tokens.
func (r *Realm) Issuer() string { return r.baseURL + "/realms/" + Name }

// Count returns how often an endpoint was called.
func (r *Realm) Count(endpoint Endpoint) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[endpoint]
}

func (r *Realm) counted(endpoint Endpoint, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.counts[endpoint]++
		r.mu.Unlock()
		next(w, req)
	}
}

// random returns a fresh secret and reports it.
func (r *Realm) random(kind string) string {
	value := rand.Text() + rand.Text()
	r.config.Secret(kind, value)
	return value
}
