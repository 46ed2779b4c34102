package keyring_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// counted counts how often the keys are read.
type counted struct {
	*memory

	count sync.Mutex
	reads int
	err   error
}

func (c *counted) SigningKeys(ctx context.Context) ([]storage.SigningKey, error) {
	c.count.Lock()
	defer c.count.Unlock()
	c.reads++
	if c.err != nil {
		return nil, c.err
	}
	return c.memory.SigningKeys(ctx)
}

func refreshable(t *testing.T) (ring, other *keyring.Ring, store *counted) {
	t.Helper()
	now := time.Now
	store = &counted{memory: &memory{}}
	ring, err := openAt(t, store, now, 1, config(keyring.ES256))
	if err != nil {
		t.Fatal(err)
	}
	other, err = openAt(t, store.memory, now, 1, config(keyring.ES256))
	if err != nil {
		t.Fatal(err)
	}
	store.reads = 0
	return ring, other, store
}

func TestRefreshFindsEveryKeyThatExistedBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring, other, _ := refreshable(t)
		for range 3 { // also right after another refresh
			key, err := other.Rotate(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			if err := ring.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, ok := ring.Lookup(key.ID); !ok {
				t.Error("a key that existed is unknown")
			}
		}
	})
}

func TestRefreshesAreRareHoweverManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring, _, store := refreshable(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var asking sync.WaitGroup
		for range 100 {
			asking.Go(func() {
				for ctx.Err() == nil {
					_ = ring.Refresh(ctx)
				}
			})
		}
		asking.Wait()
		time.Sleep(time.Second) // for the one that nobody waits for any more
		store.count.Lock()
		defer store.count.Unlock()
		if store.reads > 12 { // one at the beginning, and the one of the sleep
			t.Errorf("the keys were read %d times in a second", store.reads)
		}
	})
}

func TestRefreshTellsOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring, _, store := refreshable(t)
		down := errors.New("down")
		store.err = down
		if err := ring.Refresh(t.Context()); !errors.Is(err, down) {
			t.Errorf("err = %v", err)
		}
	})
}

func TestWhoeverNoticesThatAKeyIsGoneReloadTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring, other, _ := refreshable(t)
		if err := other.Remove(t.Context(), ring.Current().ID); err != nil {
			t.Fatal(err)
		}
		if err := ring.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, want := range []bool{true, false} {
			if removed, err := ring.Reload(t.Context()); err != nil || removed != want {
				t.Errorf("removed = %t, %v, want %t", removed, err, want)
			}
		}
	})
}
