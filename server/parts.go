package server

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/authorization"
	"github.com/gatehouse-auth/gatehouse/server/grant"
	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/logout"
	"github.com/gatehouse-auth/gatehouse/server/outbox"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/service"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/token"
	"github.com/gatehouse-auth/gatehouse/server/verify"
)

const (
	// renewAhead is how long before its end the provider's access token is renewed.
	renewAhead = time.Minute
	// patience is less than clients wait for an answer of ours.
	patience = 2 * time.Second
	// leaseTTL is longer than any call to the provider takes.
	leaseTTL = 30 * time.Second
	// publishTTL is the max-age of the key set that the edge serves.
	publishTTL = 5 * time.Minute
)

// relay closes the circle between the keeper and the verifier, which need each other.
type relay struct {
	*verify.Verifier
}

// herald tells the verifier which grants an operator has ended, and everybody when a key is gone: that is no row of the
// outbox.
type herald struct {
	*verify.Verifier
	follower *outbox.Follower
}

// Forget tells the subscribers, too.
func (h herald) Forget() { h.follower.Forget() }

// openRings opens the keys of access tokens and those of refresh tokens. They share nothing but the table.
func (p *parts) openRings(ctx context.Context) error {
	deps := keyring.Deps{Store: p.store, Sealer: p.sealer, Random: p.Random, Now: p.Now}
	cfg := p.Config
	var err error
	p.access, err = keyring.Open(ctx, deps, keyring.Config{
		Purpose: storage.PurposeAccessToken, Algorithm: cfg.SigningAlg,
		TokenTTL: cfg.AccessTokenTTL, PublishTTL: publishTTL, RotateInterval: cfg.KeyRotation,
	})
	if err != nil {
		return err
	}
	p.refresh, err = keyring.Open(ctx, deps, keyring.Config{
		Purpose: storage.PurposeRefreshToken, Algorithm: keyring.RefreshMAC,
		TokenTTL: cfg.RefreshIdleTTL, PublishTTL: publishTTL, RotateInterval: cfg.KeyRotation,
	})
	return err
}

func (p *parts) authService(adminToken secret.Text) *service.Auth {
	cfg := p.Config
	flow := authorization.New(
		authorization.Deps{
			Clients: p.registrar, Store: p.store, Provider: p.Provider, Sealer: p.sealer, Vault: p.vault,
			Returner: p.returner, Random: p.Random, Now: p.Now, Logger: p.Logger,
		},
		authorization.Config{
			Issuer: cfg.BaseURL, Resources: cfg.Resources(),
			TransactionTTL: cfg.TransactionTTL, CodeTTL: cfg.CodeTTL, MaxLive: cfg.MaxTransactions, AccountTTL: cfg.AccountTTL,
		})
	exchanger := grant.New(
		grant.Deps{
			Clients: p.registrar, Store: p.store, Minter: p.factory, Parser: p.factory,
			RefreshTokens: token.NewRefreshTokens(p.refresh), Revoker: p.verifier, Now: p.Now, Logger: p.Logger,
		},
		grant.Config{
			Resources: cfg.Resources(), AccessTokenTTL: cfg.AccessTokenTTL,
			RefreshIdleTTL: cfg.RefreshIdleTTL, RefreshGrace: cfg.RefreshGrace, GrantMaximumTTL: cfg.GrantTTL,
		})
	logouts := logout.New(logout.Deps{
		Provider: p.Provider, Grants: p.store, Credentials: p.store, Sessions: p.store, Assertions: p.store,
		Revoker: p.verifier, Now: p.Now, Logger: p.Logger,
	})
	return service.NewAuth(
		service.Deps{
			Registrar: p.registrar, Authenticator: p.registrar, Flow: flow, Exchanger: exchanger, Verifier: p.verifier,
			Grants: p.store, Revoker: p.verifier, Logouts: logouts, Subscriptions: p.follower, Keys: p.access,
			Operator: adminToken.Equal, Now: p.Now,
		},
		service.Discovery{Issuer: cfg.BaseURL, Resources: cfg.Resources(), Scopes: cfg.Scopes})
}

func (p *parts) adminService() *service.Admin {
	return service.NewAdmin(service.AdminDeps{
		Store: p.store, Registrar: p.registrar, Revoker: herald{p.verifier, p.follower}, Pages: service.NewPages(p.sealer),
		Rings: []service.Ring{p.access, p.refresh}, Reseals: p.walker, Now: p.Now,
	})
}
