package postgres

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

// acknowledged is what workers were told.
type acknowledged struct {
	mu               sync.Mutex
	issued, redeemed map[string]bool
	outages          int
}

// work issues and redeems codes until the context ends, whatever the server does meanwhile. reached is called after each
// redemption with their number.
func work(ctx context.Context, t *testing.T, store *Store, prefix string, told *acknowledged, reached func(int)) {
	for i := 0; ctx.Err() == nil; i++ {
		name := numbered(prefix, i)
		err := issue(context.WithoutCancel(ctx), store, name)
		if err == nil {
			told.mu.Lock()
			told.issued[name] = true
			told.mu.Unlock()
			err = exchange(context.WithoutCancel(ctx), store, name)
		}
		told.mu.Lock()
		if err != nil {
			wantOutage(t, err)
			told.outages++
		} else {
			told.redeemed[name] = true
		}
		count := len(told.redeemed)
		told.mu.Unlock()
		reached(count)
	}
}

// wantRecovery waits until the store answers again, as a caller who keeps trying would.
func wantRecovery(t *testing.T, store *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var err error
	for ctx.Err() == nil {
		if err = store.Ping(ctx); err == nil {
			return
		}
	}
	t.Fatalf("the store does not recover: %v", err)
}

// A server that crashes loses nothing that was acknowledged, its callers are told of an outage, and the store goes on by
// itself.
func TestCrashedServerLosesNothingAcknowledged(t *testing.T) {
	server := postgrestest.Start(t)
	store := openStore(t, server.URL(server.Database(t)))
	told := &acknowledged{issued: map[string]bool{}, redeemed: map[string]bool{}}
	for round := range 3 {
		ctx, stop := context.WithCancel(t.Context())
		enough := make(chan struct{})
		var once sync.Once
		aim := len(told.redeemed) + 50
		var workers sync.WaitGroup
		for worker := range 16 {
			workers.Go(func() {
				work(ctx, t, store, numbered(numbered("round", round), worker), told, func(count int) {
					if count >= aim {
						once.Do(func() { close(enough) })
					}
				})
			})
		}
		<-enough
		server.Crash(t)
		wantRecovery(t, store)
		stop()
		workers.Wait()
	}
	t.Logf("%d codes and %d redemptions were acknowledged, %d outages told", len(told.issued), len(told.redeemed), told.outages)
	if told.outages == 0 {
		t.Error("nobody noticed that the server crashed")
	}
	for name := range told.issued {
		checkWhole(t, store, name, told.redeemed[name])
	}
}

func TestStoppedServerIsAnOutageUntilItIsBack(t *testing.T) {
	server := postgrestest.Start(t)
	store := openStore(t, server.URL(server.Database(t)))
	if err := issue(t.Context(), store, "one"); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	for range 2 * store.settings.connections {
		wantOutage(t, store.Ping(t.Context()))
		wantOutage(t, exchange(t.Context(), store, "one"))
		_, err := store.Code(t.Context(), hashOf("code one"))
		wantOutage(t, err)
	}
	server.Restart(t)
	wantRecovery(t, store)
	checkWhole(t, store, "one", false)
}
