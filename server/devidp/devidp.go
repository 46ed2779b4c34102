// Package devidp is the identity provider that is built into dev mode, so that a first login needs no account, no
// network and no file. Everybody on this machine can log in as anybody: passwords stand on the login page, keys are new
// at every start, and nothing outlives the process.
package devidp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

const (
	// defaultAccessLifetime is short, so that a developer sees renewals happen.
	defaultAccessLifetime = 5 * time.Minute
	refreshLifetime       = 24 * time.Hour
	loginLifetime         = 10 * time.Minute
	maxBody               = 64 << 10
)

// Config configures the provider. Issuer, ClientID, ClientSecret and RedirectURI are required. There is no clock to
// inject: the protocol library reads the system's.
type Config struct {
	// Issuer is the origin where the handler is served, on loopback, without a path: "http://127.0.0.1:8001".
	Issuer string
	// ClientID and ClientSecret are the one client, which authenticates with client_secret_basic.
	ClientID     string
	ClientSecret secret.Text
	// RedirectURI is the one place where the client receives codes.
	RedirectURI string
	// Users can log in; DefaultUsers when empty.
	Users []User
	// AccessTokenLifetime is rounded down to seconds; five minutes when zero.
	AccessTokenLifetime time.Duration
}

// New returns the provider as a handler. It serves an OpenID Connect provider with PKCE (S256, required), rotating
// refresh tokens, introspection of access tokens, revocation, the iss parameter of RFC 9207 and ES256 tokens, and refuses
// an issuer that is not on loopback.
//
// The login page is a plain form: POST FieldUsername and FieldPassword, or FieldCancel, to the form's action.
func New(cfg Config) (http.Handler, error) {
	if len(cfg.Users) == 0 {
		cfg.Users = DefaultUsers()
	}
	if cfg.AccessTokenLifetime == 0 {
		cfg.AccessTokenLifetime = defaultAccessLifetime
	}
	issuer, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	s := newStore()
	op, err := provider.New(provider.Config{
		Issuer:      cfg.Issuer,
		Manager:     s,
		JWKS:        func(context.Context) (goidc.JSONWebKeySet, error) { return key, nil },
		IDTokenAlgs: []goidc.SignatureAlgorithm{goidc.SigAlgES256},
	}, options(cfg, s, pages)...)
	if err != nil {
		return nil, fmt.Errorf("devidp: %w", err)
	}
	return guarded(op.Handler(), issuer.Host), nil
}

func (c Config) validate() (*url.URL, error) {
	issuer, err := url.Parse(c.Issuer)
	switch {
	case err != nil || issuer.Scheme != "http" || issuer.Host == "" || issuer.Scheme+"://"+issuer.Host != c.Issuer:
		return nil, errors.New("devidp: the issuer must be an http origin without a path")
	case !isLoopback(issuer.Hostname()):
		return nil, errors.New("devidp: the issuer is not on loopback; this provider lets everybody in")
	case c.ClientID == "" || c.ClientSecret.IsEmpty():
		return nil, errors.New("devidp: client id and secret are required")
	case c.AccessTokenLifetime < time.Second:
		return nil, errors.New("devidp: the access token lifetime must be at least a second")
	}
	if redirect, err := url.Parse(c.RedirectURI); err != nil || redirect.Host == "" {
		return nil, errors.New("devidp: the redirect URI must be an absolute URL")
	}
	return issuer, validateUsers(c.Users)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func newKey() (goidc.JSONWebKeySet, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return goidc.JSONWebKeySet{}, fmt.Errorf("devidp: %w", err)
	}
	return goidc.JSONWebKeySet{Keys: []goidc.JSONWebKey{{
		Key: private, KeyID: rand.Text(), Algorithm: string(goidc.SigAlgES256), Use: "sig",
	}}}, nil
}

// options is everything that differs from the library's defaults.
func options(cfg Config, s *store, pages *pages) []provider.Option {
	directory := newDirectory(cfg)
	return []provider.Option{
		provider.WithScopes(goidc.ScopeOpenID, goidc.ScopeProfile, goidc.ScopeEmail, goidc.ScopeOfflineAccess, scopeGroups),
		provider.WithClaims(claimNames...),
		provider.WithStaticClients(&goidc.Client{
			ID:     cfg.ClientID,
			Secret: cfg.ClientSecret.Reveal(),
			ClientMeta: goidc.ClientMeta{
				Name:             "Gatehouse",
				RedirectURIs:     []string{cfg.RedirectURI},
				GrantTypes:       []goidc.GrantType{goidc.GrantAuthorizationCode, goidc.GrantRefreshToken},
				ResponseTypes:    []goidc.ResponseType{goidc.ResponseTypeCode},
				ScopeIDs:         "openid profile email offline_access groups",
				TokenAuthnMethod: goidc.AuthnMethodSecretBasic,
			},
		}),
		provider.WithSecretBasicAuthn(),
		provider.WithAuthCodeGrant(
			provider.AuthCodeGrantConfig{Manager: s, ResponseTypes: []goidc.ResponseType{goidc.ResponseTypeCode}},
			provider.WithPKCE([]goidc.CodeChallengeMethod{goidc.CodeChallengeMethodSHA256}, provider.WithPKCERequired()),
			provider.WithIssuerResponseParameter(),
			provider.WithAuthPolicies(loginPolicy(directory, pages)),
		),
		provider.WithAuthSessionLifetime(int(loginLifetime / time.Second)),
		provider.WithRefreshTokenGrant(s,
			provider.WithRefreshTokenRotation(),
			provider.WithRefreshTokenLifetime(int(refreshLifetime/time.Second)),
		),
		provider.WithTokenIntrospection(func(_ context.Context, client *goidc.Client, token goidc.TokenInfo) bool {
			return token.ClientID == client.ID
		}),
		// Access tokens are JWTs, which end with their grant only.
		provider.WithTokenRevocation(func(context.Context, *goidc.Client) bool { return true },
			provider.WithTokenRevocationRevokeGrantOnAccessToken(),
		),
		provider.WithTokenOptions(func(context.Context, *goidc.Grant, *goidc.Client) goidc.TokenOptions {
			return goidc.NewJWTTokenOptions(goidc.SigAlgES256, int(cfg.AccessTokenLifetime/time.Second))
		}),
		provider.WithIDTokenClaims(directory.idTokenClaims),
		provider.WithUserInfoClaims(directory.idTokenClaims),
		provider.WithTokenClaims(directory.accessTokenClaims),
		provider.WithErrorRenderer(pages.renderError),
		// The library warns when nobody remembers the ids of JWTs that clients sign. Our client signs none.
		provider.WithJTIConsumer(func(context.Context, string) error {
			return errors.New("devidp: client assertions are not accepted")
		}),
	}
}

// guarded adds what every answer needs. A request for another host comes from a page that had its name point at
// loopback (DNS rebinding), or from a proxy that publishes this provider; neither gets an answer.
func guarded(next http.Handler, host string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		if r.Host != host {
			http.Error(w, "This provider answers on "+host+" only.", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}
