package proof_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fullstorydev/grpchan/inprocgrpc"

	"github.com/gatehouse-auth/gatehouse/server"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/interceptor"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// kernel is a core over a store and a provider that a test has wrapped, without background work: nothing happens that
// the test did not ask for. Beside it is what a test looks into.
type kernel struct {
	core    *server.Core
	channel *inprocgrpc.Channel
	store   storage.Store
	vault   credential.Vault
	reaper  *credential.Reaper // of its own; it shares nothing with that of the core but the store
}

// kernelDeps is what a kernel differs in.
type kernelDeps struct {
	dir      string
	wrap     func(storage.Store) storage.Store
	provider upstream.Provider
	now      func() time.Time
}

func openKernel(ctx context.Context, deps kernelDeps) (*kernel, error) {
	cfg, err := config.Load(config.Sources{Environ: []string{"MCP_SERVER_BASE_URL=" + issuer, "GATEHOUSE_DATA_DIR=" + deps.dir}})
	if err != nil {
		return nil, err
	}
	k := &kernel{}
	k.core, err = server.Open(ctx, server.Deps{
		Config: cfg, Provider: deps.provider, Logger: slog.New(slog.DiscardHandler), Random: secret.NewSource(nil), Now: deps.now,
		Untended: true,
		WrapStore: func(store storage.Store) storage.Store {
			k.store = deps.wrap(store)
			return k.store
		},
	})
	if err != nil {
		return nil, err
	}
	k.channel = new(inprocgrpc.Channel).
		WithServerUnaryInterceptor(k.core.Chain(interceptor.InProcessGate(interceptor.NewTable())).Unary)
	k.core.Register(k.channel)
	if err := k.lookInto(deps); err != nil {
		return nil, errors.Join(err, k.close())
	}
	return k, nil
}

// lookInto opens what the store has sealed.
func (k *kernel) lookInto(deps kernelDeps) error {
	keys, err := seal.LoadOrCreateKeys(filepath.Join(deps.dir, "sealing.key"), false)
	if err != nil {
		return err
	}
	sealer, err := seal.New(keys...)
	if err != nil {
		return err
	}
	k.vault = credential.NewVault(sealer)
	k.reaper = credential.NewReaper(credential.ReaperDeps{
		Store:    k.store,
		Returner: credential.Returner{Store: k.store, Vault: k.vault, Provider: deps.provider, Now: deps.now},
		Now:      deps.now,
		Logger:   slog.New(slog.DiscardHandler),
	})
	return nil
}

func (k *kernel) close() error { return k.core.Close() }
