package transfer_test

import (
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
	"github.com/gatehouse-auth/gatehouse/server/storage/storagetest"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// nomad is a store that is somewhere else whenever it is opened after everybody had closed it.
type nomad struct {
	t      *testing.T
	places []place

	mu      sync.Mutex
	at      int
	visited bool
	users   int
}

func (n *nomad) open() storage.Store {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.visited && n.users == 0 && n.at+1 < len(n.places) {
		mustMove(n.t, n.places[n.at], n.places[n.at+1])
		n.at++
	}
	store, err := n.places[n.at].serve(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	n.visited = true
	n.users++
	return &visit{Store: store, leave: sync.OnceFunc(n.leave)}
}

func (n *nomad) leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.users--
}

// visit is a store until it is closed.
type visit struct {
	storage.Store
	leave func()
}

func (v *visit) Close() error {
	defer v.leave()
	return v.Store.Close()
}

// The suite for stores that outlive their process does not notice that they come back on another backend.
func TestStoreGoesOnElsewhereAsIfItHadOnlyBeenClosed(t *testing.T) {
	server := postgrestest.Start(t)
	for name, places := range map[string]func(*testing.T) []place{
		"from SQLite":     func(t *testing.T) []place { return []place{newFile(t), newDatabase(t, server), newFile(t)} },
		"from PostgreSQL": func(t *testing.T) []place { return []place{newDatabase(t, server), newFile(t), newDatabase(t, server)} },
	} {
		t.Run(name, func(t *testing.T) {
			storagetest.RunDurable(t, func(t *testing.T) func() storage.Store {
				return (&nomad{t: t, places: places(t)}).open
			})
		})
	}
}

func TestNumbersAreNotGivenOutAgainElsewhere(t *testing.T) {
	server := postgrestest.Start(t)
	for name, places := range map[string][]place{
		"SQLite to SQLite":         {newFile(t), newFile(t)},
		"SQLite to PostgreSQL":     {newFile(t), newDatabase(t, server)},
		"PostgreSQL to SQLite":     {newDatabase(t, server), newFile(t)},
		"PostgreSQL to PostgreSQL": {newDatabase(t, server), newDatabase(t, server)},
	} {
		t.Run(name, func(t *testing.T) {
			var before transfer.Counters
			use(t, places[0].serve, func(store storage.Store) {
				before.Revocation = revoke(t, store, "first")
				before.Fence = lease(t, store, "first")
				policy := storage.SweepPolicy{Limit: 10} // nothing is kept, and so no row knows the number
				if _, err := store.Sweep(t.Context(), noon.Add(time.Hour), policy); err != nil {
					t.Fatal(err)
				}
			})
			mustMove(t, places[0], places[1])
			use(t, places[1].serve, func(store storage.Store) {
				lowest, highest, err := store.RevocationBounds(t.Context())
				if err != nil || lowest != 0 || highest != before.Revocation {
					t.Errorf("the outbox has bounds %d and %d (%v), want 0 and %d", lowest, highest, err, before.Revocation)
				}
				if next := revoke(t, store, "second"); next <= before.Revocation {
					t.Errorf("sequence %d comes after %d", next, before.Revocation)
				}
				if next := lease(t, store, "first"); next <= before.Fence {
					t.Errorf("fence %d comes after %d", next, before.Fence)
				}
			})
		})
	}
}
