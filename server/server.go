// Package server assembles the gRPC core: store, keys, provider, use cases and services.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/authorization"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/grant"
	"github.com/gatehouse-auth/gatehouse/server/interceptor"
	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/service"
	"github.com/gatehouse-auth/gatehouse/server/storage"
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
	store, err := sqlite.Open(ctx, storePath(deps.Config))
	if err != nil {
		return nil, err
	}
	core, err := assemble(ctx, deps, store, secrets)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	core.tend.start()
	return core, nil
}

// storePath is the SQLite file.
func storePath(c *config.Config) string {
	if path, ok := strings.CutPrefix(c.StoreURL, "sqlite:"); ok {
		return path
	}
	return filepath.Join(c.DataDir, "gatehouse.db")
}

func assemble(ctx context.Context, deps Deps, store storage.Store, secrets secrets) (*Core, error) {
	cfg := deps.Config
	sealer, err := seal.New(secrets.sealingKey)
	if err != nil {
		return nil, err
	}
	ring, err := keyring.Open(ctx, keyring.Deps{Store: store, Sealer: sealer, Random: deps.Random, Now: deps.Now}, cfg.SigningAlg)
	if err != nil {
		return nil, err
	}
	factory := token.NewFactory(ring, deps.Random, cfg.BaseURL, deps.Now)
	vault := credential.NewVault(sealer)
	verifier, err := verify.New(
		verify.Deps{Parser: factory, Grants: store, Vault: vault, Provider: deps.Provider, Now: deps.Now},
		verify.Config{CacheSize: cfg.VerifyCacheSize, RecheckInterval: cfg.RecheckInterval})
	if err != nil {
		return nil, err
	}
	registrar := registration.New(
		registration.Deps{Store: store, Random: deps.Random, Now: deps.Now},
		registration.Policy{Scopes: cfg.Scopes, Schemes: cfg.RedirectSchemes, MaxUnused: cfg.MaxUnusedClients})
	flow := authorization.New(
		authorization.Deps{
			Clients: registrar, Store: store, Provider: deps.Provider, Sealer: sealer, Vault: vault,
			Random: deps.Random, Now: deps.Now, Logger: deps.Logger,
		},
		authorization.Config{
			Issuer: cfg.BaseURL, Resources: cfg.Resources(),
			TransactionTTL: cfg.TransactionTTL, CodeTTL: cfg.CodeTTL, MaxLive: cfg.MaxTransactions,
		})
	exchanger := grant.New(
		grant.Deps{Clients: registrar, Store: store, Minter: factory, Revoker: verifier, Random: deps.Random, Now: deps.Now},
		grant.Config{
			Resources: cfg.Resources(), AccessTokenTTL: cfg.AccessTokenTTL,
			RefreshIdleTTL: cfg.RefreshIdleTTL, GrantMaximumTTL: cfg.GrantTTL,
		})
	validator, err := protovalidate.New()
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	core := &Core{
		AdminToken: secrets.adminToken,
		deps:       deps,
		store:      store,
		auth: service.NewAuth(
			service.Deps{Registrar: registrar, Flow: flow, Exchanger: exchanger, Verifier: verifier, Keys: ring},
			service.Discovery{Issuer: cfg.BaseURL, Resources: cfg.Resources(), Scopes: cfg.Scopes}),
		admin: service.NewAdmin(service.AdminDeps{
			Store: store, Registrar: registrar, Revoker: verifier, Pages: service.NewPages(sealer), Now: deps.Now,
		}),
		health: health.NewServer(),
		chain:  interceptor.Deps{Logger: deps.Logger, Validator: validator, Status: service.Status, Now: deps.Now},
	}
	core.tend = newTender(core)
	return core, nil
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

// Close stops the background work and closes the store, in this order.
func (c *Core) Close() error {
	c.tend.stop()
	return c.store.Close()
}
