package storagetest

import (
	"errors"
	"strconv"
	"testing"
	"time"

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
			grant := here.newGrant(code)
			both := stores{here.Store, there.Store}
			oneWins(t, race(racers, func(i int) error {
				return both[i%2].RedeemCode(t.Context(), code.Hash, here.now, grant)
			}), storage.ErrUsed)
		}
	})
	t.Run("of racing rotations through two stores one wins and the others repeat it", func(t *testing.T) {
		open := create(t)
		here, there := opened(t, open), opened(t, open)
		grant := here.grant("client", "alice")
		for range 20 {
			answers, errs := here.raceRotations(stores{here.Store, there.Store}, grant, grace)
			grant = here.agree(grant, answers, errs)
		}
	})
	t.Run("of racing renewals through two stores one gets the lease", func(t *testing.T) {
		open := create(t)
		here, there := opened(t, open), opened(t, open)
		for range 20 {
			credential := here.lent("alice")
			oneWins(t, race(racers, func(i int) error {
				return second([]*scene{here, there}[i%2].begin(credential))
			}), storage.ErrConflict)
		}
	})
	t.Run("of stores that open together one adds the first key", func(t *testing.T) {
		open := create(t)
		added := make([]bool, 4)
		for _, err := range race(len(added), func(i int) (err error) {
			store := open()
			defer store.Close()
			key := newScene(t, store).newKey("ES256")
			key.ID += strconv.Itoa(i) // scenes give the same names
			added[i], err = store.AddSigningKey(t.Context(), key, time.Time{})
			return err
		}) {
			if err != nil {
				t.Errorf("unexpected error: %v", err)
			}
		}
		same(t, count(added), 1)
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
	s.revoke(s.grant(client.ID, "bob"))
	first := s.grant(client.ID, "carol")
	rotated := s.rotate(first)
	lease := s.lease(s.credential(rotated.CredentialID))
	revocations, key, assertion, session := s.revocations(), s.newKey("ES256"), s.hash(), s.session("dave")
	s.add(key)
	s.must(s.UseAssertion(ctx, assertion, s.now.Add(time.Hour)))
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
	same(t, s.listed(storage.GrantFilter{Now: s.now}), []string{used.GrantID, rotated.ID})
	s.must(s.redeem(fresh))
	s.repeats(s.rotation(first), rotated)
	s.must(s.FinishRenewal(ctx, s.renewed(lease), lease.Fence))
	same(t, s.revocations(), revocations)
	same(t, s.keys(), []storage.SigningKey{key})
	s.want(storage.ErrUsed, s.UseAssertion(ctx, assertion, s.now))
	_, _, err = s.AccountSession(ctx, session.Hash, s.now)
	s.must(err)
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
