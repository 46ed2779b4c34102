package proof_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"buf.build/go/protovalidate"
	"github.com/fullstorydev/grpchan/inprocgrpc"

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

// kernel is the token paths of a core, put together like server.Open does, over a store and a provider that a test has
// wrapped. It has no background work: nothing happens that the test did not ask for.
type kernel struct {
	channel *inprocgrpc.Channel
	store   storage.Store
	vault   credential.Vault
	keeper  *credential.Keeper
}

// kernelDeps is what a kernel differs in.
type kernelDeps struct {
	dir      string
	wrap     func(storage.Store) storage.Store
	provider upstream.Provider
	now      func() time.Time
}

// forwarder passes on which grants ended, once it knows whom to tell.
type forwarder struct{ *verify.Verifier }

func openKernel(ctx context.Context, deps kernelDeps) (*kernel, error) {
	cfg, err := config.Load(config.Sources{Environ: []string{"MCP_SERVER_BASE_URL=" + issuer, "GATEHOUSE_DATA_DIR=" + deps.dir}})
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, filepath.Join(deps.dir, "gatehouse.db"))
	if err != nil {
		return nil, err
	}
	k := &kernel{store: deps.wrap(store), channel: new(inprocgrpc.Channel)}
	if err := k.assemble(ctx, deps, cfg); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return k, nil
}

func (k *kernel) assemble(ctx context.Context, deps kernelDeps, cfg *config.Config) error {
	keys, err := seal.LoadOrCreateKeys(filepath.Join(deps.dir, "sealing.key"), true)
	if err != nil {
		return err
	}
	sealer, err := seal.New(keys...)
	if err != nil {
		return err
	}
	random, logger := secret.NewSource(nil), slog.New(slog.DiscardHandler)
	ring := func(purpose, algorithm string, ttl time.Duration) (*keyring.Ring, error) {
		return keyring.Open(ctx, keyring.Deps{Store: k.store, Sealer: sealer, Random: random, Now: deps.now},
			keyring.Config{Purpose: purpose, Algorithm: algorithm, TokenTTL: ttl, PublishTTL: 5 * time.Minute})
	}
	access, errAccess := ring(storage.PurposeAccessToken, cfg.SigningAlg, cfg.AccessTokenTTL)
	refresh, errRefresh := ring(storage.PurposeRefreshToken, keyring.RefreshMAC, cfg.RefreshIdleTTL)
	if err := errors.Join(errAccess, errRefresh); err != nil {
		return err
	}
	k.vault = credential.NewVault(sealer)
	factory := token.NewFactory(access, random, cfg.BaseURL, deps.now)
	verifier, err := k.verifier(deps, cfg, factory, logger)
	if err != nil {
		return err
	}
	registrar := registration.New(registration.Deps{Store: k.store, Random: random, Now: deps.now},
		registration.Policy{Scopes: cfg.Scopes, Schemes: cfg.RedirectSchemes, MaxUnused: cfg.MaxUnusedClients})
	flow := authorization.New(
		authorization.Deps{
			Clients: registrar, Store: k.store, Provider: deps.provider, Sealer: sealer, Vault: k.vault,
			Random: random, Now: deps.now, Logger: logger,
		},
		authorization.Config{
			Issuer: cfg.BaseURL, Resources: cfg.Resources(),
			TransactionTTL: cfg.TransactionTTL, CodeTTL: cfg.CodeTTL, MaxLive: cfg.MaxTransactions, AccountTTL: cfg.AccountTTL,
		})
	exchanger := grant.New(
		grant.Deps{
			Clients: registrar, Store: k.store, Minter: factory, Parser: factory,
			RefreshTokens: token.NewRefreshTokens(refresh), Revoker: verifier, Now: deps.now, Logger: logger,
		},
		grant.Config{
			Resources: cfg.Resources(), AccessTokenTTL: cfg.AccessTokenTTL,
			RefreshIdleTTL: cfg.RefreshIdleTTL, RefreshGrace: cfg.RefreshGrace, GrantMaximumTTL: cfg.GrantTTL,
		})
	return k.register(deps, logger, service.NewAuth(
		service.Deps{
			Registrar: registrar, Authenticator: registrar, Flow: flow, Exchanger: exchanger, Verifier: verifier,
			Grants: k.store, Revoker: verifier, Keys: access, Now: deps.now,
		},
		service.Discovery{Issuer: cfg.BaseURL, Resources: cfg.Resources(), Scopes: cfg.Scopes}))
}

// verifier joins verifier and keeper, which need each other.
func (k *kernel) verifier(deps kernelDeps, cfg *config.Config, factory *token.Factory, logger *slog.Logger) (*verify.Verifier, error) {
	told := &forwarder{}
	var err error
	k.keeper, err = credential.NewKeeper(
		credential.Deps{Store: k.store, Vault: k.vault, Provider: deps.provider, Revoker: told, Now: deps.now, Logger: logger},
		credential.Config{
			RecheckInterval: cfg.RecheckInterval, MaxStaleness: cfg.MaxStaleness,
			RenewAhead: time.Minute, LeaseTTL: lease, CacheSize: cfg.VerifyCacheSize,
		})
	if err != nil {
		return nil, err
	}
	told.Verifier, err = verify.New(
		verify.Deps{Parser: factory, Grants: k.store, Keeper: k.keeper, Now: deps.now},
		verify.Config{CacheSize: cfg.VerifyCacheSize, RecheckInterval: cfg.RecheckInterval})
	return told.Verifier, err
}

func (k *kernel) register(deps kernelDeps, logger *slog.Logger, auth gatehousev1.AuthServiceServer) error {
	validator, err := protovalidate.New()
	if err != nil {
		return err
	}
	chain := interceptor.NewChain(
		interceptor.Deps{Logger: logger, Validator: validator, Status: service.Status, Now: deps.now},
		interceptor.InProcessGate(interceptor.NewTable()))
	gatehousev1.RegisterAuthServiceServer(k.channel.WithServerUnaryInterceptor(chain.Unary), auth)
	return nil
}

func (k *kernel) close() error { return k.store.Close() }
