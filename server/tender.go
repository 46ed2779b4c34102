package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	readyInterval   = 5 * time.Second
	readyTimeout    = 3 * time.Second
	firstReadyRetry = 200 * time.Millisecond
	sweepInterval   = time.Minute
)

// sweepPolicy is how long what is over stays in the store.
func sweepPolicy() storage.SweepPolicy {
	const day = 24 * time.Hour
	return storage.SweepPolicy{
		UnusedClient:     day,
		IdleClient:       90 * day,
		EndedGrant:       30 * day,
		EndedTransaction: time.Hour,
		Limit:            1000,
	}
}

// tender looks after the core in the background: it reports readiness and sweeps the store.
type tender struct {
	core   *Core
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func newTender(core *Core) *tender {
	ctx, cancel := context.WithCancel(context.Background())
	t := &tender{core: core, ctx: ctx, cancel: cancel}
	t.report(errors.New("starting"))
	return t
}

func (t *tender) start() {
	t.done.Go(t.watch)
	t.done.Go(t.sweep)
}

func (t *tender) stop() {
	t.cancel()
	t.done.Wait()
}

// watch keeps the health service true. Until the first success it looks often, so that a start is quick.
func (t *tender) watch() {
	wait := firstReadyRetry
	for {
		err := t.ready()
		t.report(err)
		if err == nil {
			wait = readyInterval
		}
		if !t.sleep(wait) {
			return
		}
	}
}

// ready asks the store and the provider.
func (t *tender) ready() error {
	ctx, cancel := context.WithTimeout(t.ctx, readyTimeout)
	defer cancel()
	return errors.Join(t.core.store.Ping(ctx), t.core.deps.Provider.Ready(ctx))
}

func (t *tender) report(err error) {
	state := grpc_health_v1.HealthCheckResponse_SERVING
	if err != nil {
		state = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	for _, name := range []string{"", gatehousev1.AuthService_ServiceDesc.ServiceName, gatehousev1.AdminService_ServiceDesc.ServiceName} {
		t.core.health.SetServingStatus(name, state)
	}
}

// sweep deletes what is over. A full batch means that there is more.
func (t *tender) sweep() {
	for t.sleep(sweepInterval) {
		policy := sweepPolicy()
		result, err := t.core.store.Sweep(t.ctx, t.core.deps.Now(), policy)
		if err != nil && t.ctx.Err() == nil {
			t.core.deps.Logger.Warn("sweep failed", "error", err)
			continue
		}
		t.core.deps.Logger.Debug("swept", "result", result)
	}
}

func (t *tender) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.ctx.Done():
		return false
	}
}
