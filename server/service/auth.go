// Package service adapts the use cases to gRPC: one file per group of RPCs. It translates, and decides nothing.
package service

import (
	"context"
	"encoding/json"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/authorization"
	"github.com/gatehouse-auth/gatehouse/server/grant"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/outbox"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/verify"
)

// Registrar registers clients.
type Registrar interface {
	Register(ctx context.Context, metadata registration.Metadata, origin storage.ClientOrigin) (registration.Registered, error)
}

// Flow runs authorization transactions.
type Flow interface {
	Begin(ctx context.Context, request authorization.Request) (authorization.Begun, error)
	Consent(ctx context.Context, handle secret.Text) (authorization.Consent, error)
	Allow(ctx context.Context, handle, pageSecret secret.Text) (authorization.Decision, error)
	Deny(ctx context.Context, handle secret.Text) (authorization.Decision, error)
	Complete(ctx context.Context, answer authorization.Answer) (authorization.Completed, error)
	BeginAccount(ctx context.Context) (authorization.Decision, error)
	Account(ctx context.Context, session secret.Text) (storage.AccountSession, storage.User, error)
	EndAccount(ctx context.Context, session secret.Text) error
}

// Exchanger answers token requests.
type Exchanger interface {
	Exchange(ctx context.Context, request grant.Request) (grant.Response, error)
	Revoke(ctx context.Context, credentials registration.Credentials, token secret.Text) error
}

// Verifier answers whether tokens are good.
type Verifier interface {
	Verify(ctx context.Context, request verify.Request) (*verify.Verdict, error)
}

// Authenticator identifies clients by their credentials.
type Authenticator interface {
	Authenticate(ctx context.Context, credentials registration.Credentials) (storage.ClientAuthentication, error)
}

// Logouts ends what stands on a session of the provider.
type Logouts interface {
	Logout(ctx context.Context, logoutToken secret.Text) (revoked []string, err error)
}

// Subscriptions hands out the stream of revocations.
type Subscriptions interface {
	Subscribe(ctx context.Context, after int64) (outbox.Subscription, error)
}

// Keys publishes the public keys.
type Keys interface {
	Public() []json.RawMessage
}

// Deps is what the AuthService needs.
type Deps struct {
	Registrar     Registrar
	Authenticator Authenticator
	Flow          Flow
	Exchanger     Exchanger
	Verifier      Verifier
	Grants        storage.Grants
	Revoker       Revoker
	Logouts       Logouts
	Subscriptions Subscriptions
	Keys          Keys
	// Operator reports whether a presented bearer token is the admin token.
	Operator func(presented secret.Text) bool
	Now      func() time.Time
}

// Discovery is what the metadata documents say. It comes from the settings that the use cases enforce.
type Discovery struct {
	Issuer        string
	Resources     oauth.Resources
	Scopes        oauth.Scopes
	Documentation string
}

// Auth implements gatehouse.v1.AuthService.
type Auth struct {
	gatehousev1.UnimplementedAuthServiceServer
	deps      Deps
	discovery Discovery
}

var _ gatehousev1.AuthServiceServer = (*Auth)(nil)

// NewAuth returns the AuthService.
func NewAuth(deps Deps, discovery Discovery) *Auth { return &Auth{deps: deps, discovery: discovery} }
