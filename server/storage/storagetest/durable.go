package storagetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// RunDurable checks a backend that outlives its process. create makes an empty database and returns how to open it,
// which the suite does several times, also while it is open already. The suite closes what it opens.
func RunDurable(t *testing.T, create func(t *testing.T) (open func() storage.Store)) {
	t.Run("acknowledged writes survive", func(t *testing.T) { survives(t, create(t)) })
	t.Run("writes that race with closing survive when they were acknowledged", func(t *testing.T) {
		survivesClosing(t, create(t))
	})
	t.Run("of racing redemptions through two stores one wins", func(t *testing.T) {
		open := create(t)
		here, there := opened(t, open), opened(t, open)
		for range 20 {
			code := here.code("client", "alice")
			grant, _ := here.newGrant(code)
			stores := []storage.Store{here.Store, there.Store}
			oneWins(t, race(racers, func(i int) error {
				return stores[i%2].RedeemCode(t.Context(), code.Hash, here.now, grant, nil)
			}), storage.ErrUsed)
		}
	})
	t.Run("stores that open together agree on one key", func(t *testing.T) {
		open := create(t)
		var mu sync.Mutex
		standing := map[string]bool{}
		for _, err := range race(4, func(int) error {
			store := open()
			defer store.Close()
			key, err := store.EnsureSigningKey(t.Context(), newScene(t, store).newKey("ES256"))
			mu.Lock()
			defer mu.Unlock()
			standing[key.ID] = true
			return err
		}) {
			if err != nil {
				t.Errorf("unexpected error: %v", err)
			}
		}
		same(t, len(standing), 1)
	})
}

func opened(t *testing.T, open func() storage.Store) *scene {
	store := open()
	t.Cleanup(func() { _ = store.Close() })
	return newScene(t, store)
}

func survives(t *testing.T, open func() storage.Store) {
	ctx := t.Context()
	s := opened(t, open)
	client := s.client()
	pending, claimed := s.pending(client.ID), s.claimed(client.ID)
	fresh, used := s.code(client.ID, "alice"), s.code(client.ID, "alice")
	s.must(s.redeem(used))
	revoked := s.grant(client.ID, "bob")
	_, err := s.RevokeGrants(ctx, storage.GrantFilter{ID: revoked.ID, Now: s.now}, storage.RevokedByOperator)
	s.must(err)
	key, err := s.EnsureSigningKey(ctx, s.newKey("ES256"))
	s.must(err)
	s.must(s.Close())

	store := open()
	t.Cleanup(func() { _ = store.Close() })
	s.Store = store // the scene goes on where it was
	stored, err := s.Client(ctx, client.ID)
	s.must(err)
	client.LastUsedTime = s.now
	same(t, stored, client)
	same(t, s.status(pending), storage.StatusPending)
	same(t, s.status(claimed), storage.StatusClaimed)
	s.want(storage.ErrUsed, s.redeem(used))
	same(t, s.listed(storage.GrantFilter{Now: s.now}), []string{used.GrantID})
	s.must(s.redeem(fresh))
	standing, err := s.EnsureSigningKey(ctx, s.newKey("ES256"))
	s.must(err)
	same(t, standing, key)
}

func survivesClosing(t *testing.T, open func() storage.Store) {
	s := opened(t, open)
	clients := make([]storage.Client, 4*racers)
	for i := range clients {
		clients[i] = s.newClient()
	}
	answers := race(len(clients), func(i int) error {
		if i == len(clients)/2 {
			return s.Close()
		}
		return s.CreateClient(t.Context(), clients[i], noLimit)
	})
	again := opened(t, open)
	for i, client := range clients {
		_, err := again.Client(t.Context(), client.ID)
		switch {
		case i == len(clients)/2:
			again.must(answers[i])
		case answers[i] == nil:
			again.must(err)
		case !errors.Is(answers[i], storage.ErrUnavailable):
			t.Errorf("a caller was told %v", answers[i])
		}
	}
}
