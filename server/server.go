// Package server assembles the gRPC core: store, keys, provider, use cases and services.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/interceptor"
	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/outbox"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/reseal"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/service"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
	"github.com/gatehouse-auth/gatehouse/server/token"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/verify"
)

// Deps is what a Core needs from outside.
type Deps struct {
	Config   *config.Config
	Provider upstream.Provider
	Logger   *slog.Logger
	Random   secret.Source
	Now      func() time.Time

	// WrapStore, when set, gives the store that is used in place of the one that the configuration names.
	WrapStore func(storage.Store) storage.Store
	// Untended leaves out all work in the background, so that nothing happens that no call asked for. Such a core never
	// becomes ready.
	Untended bool
}

// Core is a running gRPC backend without a listener.
type Core struct {
	// AdminToken is what opens the trusted methods on a network listener.
	AdminToken secret.Text

	deps   Deps
	store  storage.Store
	auth   *service.Auth
	admin  *service.Admin
	health *health.Server
	chain  interceptor.Deps
	tend   *tender
}

// Open opens the store and assembles the core. The caller closes it.
func Open(ctx context.Context, deps Deps) (*Core, error) {
	secrets, err := openSecrets(deps.Config, deps.Random)
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, deps.Config)
	if err != nil {
		return nil, err
	}
	if deps.WrapStore != nil {
		store = deps.WrapStore(store)
	}
	core, err := assemble(ctx, deps, store, secrets)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if !deps.Untended {
		core.tend.start()
	}
	return core, nil
}

func openStore(ctx context.Context, cfg *config.Config) (storage.Store, error) {
	if url, ok := cfg.Postgres(); ok {
		return postgres.Open(ctx, url)
	}
	return sqlite.Open(ctx, cfg.SQLitePath())
}

// parts are what the services and the background work share.
type parts struct {
	Deps
	store     storage.Store
	sealer    *seal.Sealer
	access    *keyring.Ring
	refresh   *keyring.Ring
	factory   *token.Factory
	verifier  *verify.Verifier
	vault     credential.Vault
	keeper    *credential.Keeper
	returner  credential.Returner
	reaper    *credential.Reaper
	follower  *outbox.Follower
	walker    *reseal.Walker
	registrar *registration.Registrar
}

func assemble(ctx context.Context, deps Deps, store storage.Store, secrets secrets) (*Core, error) {
	p, err := newParts(ctx, deps, store, secrets)
	if err != nil {
		return nil, err
	}
	validator, err := protovalidate.New()
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	core := &Core{
		AdminToken: secrets.adminToken,
		deps:       deps,
		store:      store,
		auth:       p.authService(secrets.adminToken),
		admin:      p.adminService(),
		health:     health.NewServer(),
		chain:      interceptor.Deps{Logger: deps.Logger, Validator: validator, Status: service.Status},
	}
	core.tend = newTender(core, p)
	return core, nil
}

func newParts(ctx context.Context, deps Deps, store storage.Store, secrets secrets) (*parts, error) {
	cfg := deps.Config
	p := &parts{Deps: deps, store: store, sealer: secrets.sealer}
	if err := p.openRings(ctx); err != nil {
		return nil, err
	}
	p.factory = token.NewFactory(p.access, deps.Random, cfg.BaseURL, deps.Now)
	p.vault = credential.NewVault(p.sealer)
	// Verifier and keeper tell each other: the one asks whether a credential stands, the other says which grants ended.
	relay := &relay{}
	var err error
	p.keeper, err = credential.NewKeeper(
		credential.Deps{Store: store, Vault: p.vault, Provider: deps.Provider, Revoker: relay, Now: deps.Now, Logger: deps.Logger},
		credential.Config{
			RecheckInterval: cfg.RecheckInterval, MaxStaleness: cfg.MaxStaleness,
			Patience: patience, RenewAhead: renewAhead, LeaseTTL: leaseTTL, CacheSize: cfg.VerifyCacheSize,
		})
	if err != nil {
		return nil, err
	}
	p.returner = credential.Returner{Store: store, Vault: p.vault, Provider: deps.Provider, Now: deps.Now}
	p.reaper = credential.NewReaper(credential.ReaperDeps{Store: store, Returner: p.returner, Now: deps.Now, Logger: deps.Logger})
	p.verifier, err = verify.New(
		verify.Deps{Parser: p.factory, Keys: p.access, Grants: store, Keeper: p.keeper, Now: deps.Now},
		verify.Config{CacheSize: cfg.VerifyCacheSize, RecheckInterval: cfg.RecheckInterval})
	if err != nil {
		return nil, err
	}
	relay.Verifier = p.verifier
	p.follower = outbox.NewFollower(store, p.verifier, deps.Logger)
	p.walker = reseal.New(store, p.sealer)
	p.registrar, err = registration.New(
		registration.Deps{Store: store, Random: deps.Random, Now: deps.Now},
		registration.Policy{Scopes: cfg.Scopes, Schemes: cfg.RedirectSchemes, MaxUnused: cfg.MaxUnusedClients})
	return p, err
}

// Register adds the services to a gRPC server or an in-process channel.
func (c *Core) Register(registrar grpc.ServiceRegistrar) {
	gatehousev1.RegisterAuthServiceServer(registrar, c.auth)
	gatehousev1.RegisterAdminServiceServer(registrar, c.admin)
	grpc_health_v1.RegisterHealthServer(registrar, c.health)
}

// Chain returns the interceptors for a way in.
func (c *Core) Chain(gate interceptor.Gate) interceptor.Chain {
	return interceptor.NewChain(c.chain, gate)
}

// Drain makes the core not ready, so that nobody sends new work.
func (c *Core) Drain() { c.health.Shutdown() }

// Close stops the background work, waits for answers of the provider that have to be stored, and closes the store, in this
// order.
func (c *Core) Close() error {
	c.tend.stop()
	c.tend.parts.keeper.Close()
	return c.store.Close()
}
