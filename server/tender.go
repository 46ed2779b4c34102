package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	readyInterval   = 5 * time.Second
	readyTimeout    = 3 * time.Second
	firstReadyRetry = 200 * time.Millisecond
	// pollInterval leaves room in the second within which a revocation shows on every replica.
	pollInterval   = 250 * time.Millisecond
	reloadInterval = time.Second
	tendInterval   = time.Minute
	reapLimit      = 20
)

// errStarting stands for the state of a core that has not looked yet.
var errStarting = errors.New("server: starting")

// sweepPolicy is how long what is over stays in the store.
func sweepPolicy() storage.SweepPolicy {
	const day = 24 * time.Hour
	return storage.SweepPolicy{
		UnusedClient:     day,
		IdleClient:       90 * day,
		EndedGrant:       30 * day,
		EndedTransaction: time.Hour,
		Revocation:       day,
		Limit:            1000,
	}
}

// tender looks after the core in the background.
type tender struct {
	core   *Core
	parts  *parts
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup
	ready  error
}

func newTender(core *Core, parts *parts) *tender {
	ctx, cancel := context.WithCancel(context.Background())
	t := &tender{core: core, parts: parts, ctx: ctx, cancel: cancel, ready: errStarting}
	t.publish(t.ready)
	return t
}

func (t *tender) start() {
	t.done.Go(t.watch)
	t.done.Go(func() { t.parts.follower.Run(t.ctx, pollInterval) })
	t.done.Go(func() { t.every(reloadInterval, "reload keys", t.reloadKeys) })
	t.done.Go(func() { t.every(tendInterval, "keep house", t.keepHouse) })
}

func (t *tender) stop() {
	t.cancel()
	t.done.Wait()
}

// watch keeps the health service true. Until the first success it looks often, so that a start is quick.
func (t *tender) watch() {
	wait := firstReadyRetry
	for {
		err := t.check()
		// The first look is told whatever it finds: what keeps a new server from becoming ready is most often its settings.
		news := (err == nil) != (t.ready == nil) || errors.Is(t.ready, errStarting)
		if news && t.ctx.Err() == nil {
			if err == nil {
				t.core.deps.Logger.Info("ready")
			} else {
				t.core.deps.Logger.Warn("not ready", "error", err)
			}
		}
		t.ready = err
		t.publish(err)
		if err == nil {
			wait = readyInterval
		}
		if !t.sleep(wait) {
			return
		}
	}
}

// check asks the store and the provider.
func (t *tender) check() error {
	ctx, cancel := context.WithTimeout(t.ctx, readyTimeout)
	defer cancel()
	return errors.Join(t.core.store.Ping(ctx), t.core.deps.Provider.Ready(ctx))
}

func (t *tender) publish(err error) {
	state := grpc_health_v1.HealthCheckResponse_SERVING
	if err != nil {
		state = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	for _, name := range []string{"", gatehousev1.AuthService_ServiceDesc.ServiceName, gatehousev1.AdminService_ServiceDesc.ServiceName} {
		t.core.health.SetServingStatus(name, state)
	}
}

// reloadKeys follows what other replicas do to the keys. A verdict may rest on a key that is gone.
func (t *tender) reloadKeys(ctx context.Context) error {
	for _, ring := range t.rings() {
		removed, err := ring.Reload(ctx)
		if err != nil {
			return err
		}
		if removed {
			t.parts.follower.Forget()
		}
	}
	return nil
}

// keepHouse rotates keys that are due, moves sealed values to the current key, gives unused tokens back to the provider,
// and deletes what is over.
func (t *tender) keepHouse(ctx context.Context) error {
	var problems []error
	for _, ring := range t.rings() {
		if _, err := ring.Tend(ctx); err != nil {
			problems = append(problems, err)
		}
	}
	for {
		moved, err := t.parts.walker.Walk(ctx)
		if err != nil {
			problems = append(problems, err)
		}
		if moved == 0 {
			break
		}
	}
	if _, err := t.parts.reaper.Reap(ctx, reapLimit); err != nil {
		problems = append(problems, err)
	}
	if err := t.sweep(ctx); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// sweep deletes what is over, in small steps that hold nobody up. A full step means that there is more.
func (t *tender) sweep(ctx context.Context) error {
	policy := sweepPolicy()
	for {
		result, err := t.core.store.Sweep(ctx, t.core.deps.Now(), policy)
		if err != nil || result.Most() < policy.Limit {
			return err
		}
	}
}

func (t *tender) rings() []*keyring.Ring { return []*keyring.Ring{t.parts.access, t.parts.refresh} }

// every repeats work until the core closes. A failure is logged when it begins, not each time.
func (t *tender) every(interval time.Duration, task string, work func(context.Context) error) {
	failing := false
	for t.sleep(interval) {
		err := work(t.ctx)
		if err != nil && !failing && t.ctx.Err() == nil {
			t.core.deps.Logger.Warn("background work failed", "task", task, "error", err)
		}
		failing = err != nil
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
