package storagetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// revocations reads the whole outbox.
func (s *scene) revocations() []storage.Revocation {
	s.t.Helper()
	revocations, err := s.Revocations(s.t.Context(), 0, noLimit)
	s.must(err)
	return revocations
}

// bounds checks the ends of the outbox.
func (s *scene) bounds(lowest, highest int64) {
	s.t.Helper()
	low, high, err := s.RevocationBounds(s.t.Context())
	s.must(err)
	same(s.t, [2]int64{low, high}, [2]int64{lowest, highest})
}

// revoke ends a grant.
func (s *scene) revoke(grant storage.Grant) {
	s.t.Helper()
	filter := storage.GrantFilter{ID: grant.ID, Now: s.now}
	_, err := s.RevokeGrants(s.t.Context(), filter, storage.RevokedByUser)
	s.must(err)
}

func outboxChecks() []check {
	return []check{
		{"an outbox that was never used is empty", func(t *testing.T, s *scene) {
			same(t, s.revocations(), nil)
			s.bounds(0, 0)
		}},
		{"every way to revoke is recorded, once for each grant", recordsRevocations},
		{"what revokes nothing records nothing", func(t *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			s.revoke(grant)
			s.revoke(grant)
			for _, filter := range []storage.GrantFilter{
				{Now: s.now}, {ID: "nothing", Now: s.now}, {UserID: grant.UserID, Now: grant.ExpireTime},
			} {
				_, err := s.RevokeGrants(t.Context(), filter, storage.RevokedByOperator)
				s.must(err)
			}
			same(t, len(s.revocations()), 1)
		}},
		{"sequences grow, and a reader goes on where it was", func(t *testing.T, s *scene) {
			const rows = 7
			for range rows {
				s.now = s.now.Add(time.Second)
				s.revoke(s.grant("client", "alice"))
			}
			all := s.revocations()
			same(t, len(all), rows)
			s.bounds(all[0].Sequence, all[rows-1].Sequence)
			var seen []storage.Revocation
			for last := int64(0); ; last = seen[len(seen)-1].Sequence {
				page, err := s.Revocations(t.Context(), last, 2)
				s.must(err)
				if len(page) == 0 {
					break
				}
				seen = append(seen, page...)
				if len(page) > 2 || len(seen) > rows {
					t.Fatalf("pages of 2 are %v", seen)
				}
			}
			same(t, seen, all)
		}},
		{"a sequence is never given out again, even if everything was swept", func(t *testing.T, s *scene) {
			s.revoke(s.grant("client", "alice"))
			s.revoke(s.grant("client", "alice"))
			highest := s.revocations()[1].Sequence
			_, err := s.Sweep(t.Context(), s.now, storage.SweepPolicy{Limit: 100})
			s.must(err)
			same(t, s.revocations(), nil)
			s.bounds(0, highest)
			s.revoke(s.grant("client", "alice"))
			next := s.revocations()[0].Sequence
			same(t, next > highest, true)
			s.bounds(next, next)
		}},
		{"racing revocations are all recorded, each with a sequence of its own", func(t *testing.T, s *scene) {
			grants := make([]storage.Grant, racers)
			var ids []string
			for i := range grants {
				grants[i] = s.grant("client", "alice")
				ids = append(ids, grants[i].ID)
			}
			for _, err := range race(racers, func(i int) error {
				filter := storage.GrantFilter{ID: grants[i].ID, Now: s.now}
				return second(s.RevokeGrants(t.Context(), filter, storage.RevokedByUser))
			}) {
				s.must(err)
			}
			same(t, recorded(s.revocations()), ids)
		}},
		{"a follower that never looks back misses no revocation, also when a large one commits late", followsRevocations},
	}
}

// recorded returns the sorted ids of grants, and none when their sequences do not grow.
func recorded(revocations []storage.Revocation) []string {
	var ids []string
	last := int64(0)
	for _, revocation := range revocations {
		if revocation.Sequence <= last {
			return nil
		}
		last = revocation.Sequence
		ids = append(ids, revocation.GrantID)
	}
	slices.Sort(ids)
	return ids
}

func recordsRevocations(t *testing.T, s *scene) {
	ctx := t.Context()
	ways := map[string]func(one, two storage.Grant) error{
		"by filter": func(one, _ storage.Grant) error {
			filter := storage.GrantFilter{UserID: one.UserID, Now: s.now}
			return second(s.RevokeGrants(ctx, filter, storage.RevokedByUser))
		},
		"with the client": func(one, _ storage.Grant) error { return second(s.DeleteClient(ctx, one.ClientID, s.now)) },
		"with the credential": func(one, _ storage.Grant) error {
			lease := s.lease(s.credential(one.CredentialID))
			return second(s.EndCredential(ctx, one.CredentialID, lease.Fence, s.now, storage.RevokedByUpstream))
		},
		"by replay": func(one, two storage.Grant) error {
			for _, grant := range []storage.Grant{one, two} {
				s.rotate(grant)
				rotation := s.rotation(grant)
				rotation.Grace = 0
				_, err := s.RotateRefreshToken(ctx, rotation)
				s.want(storage.ErrUsed, err)
			}
			return nil
		},
	}
	for way, revoke := range ways {
		s.now = s.now.Add(time.Second)
		before, client := len(s.revocations()), s.client()
		user := s.name("user")
		one, two := s.grant(client.ID, user), s.grant(client.ID, user)
		if err := revoke(one, two); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		fresh := s.revocations()[before:]
		if got := recorded(fresh); !slices.Equal(got, []string{one.ID, two.ID}) {
			t.Errorf("revoking %s recorded %v", way, got)
		}
		for _, revocation := range fresh {
			same(t, revocation.CreateTime, s.now)
		}
	}
}

// followsRevocations lets large and single revocations race while a follower reads on from the last number that it saw.
func followsRevocations(t *testing.T, s *scene) {
	const crowds, crowd = 3, 100
	filters := make([]storage.GrantFilter, racers)
	var ids []string
	for i := range filters {
		size := 1
		if i < crowds {
			size = crowd
		}
		client := s.client().ID
		for range size {
			ids = append(ids, s.grant(client, "alice").ID)
		}
		filters[i] = storage.GrantFilter{ClientID: client, Now: s.now}
	}
	slices.Sort(ids)
	var seen []storage.Revocation
	over := make(chan struct{})
	followed := make(chan error, 1)
	go func() {
		for last := false; !last; {
			select {
			case <-over:
				last = true // what is committed by now is seen in one more round
			default:
			}
			if err := followOn(t.Context(), s, &seen); err != nil {
				followed <- err
				return
			}
		}
		followed <- nil
	}()
	answers := race(len(filters), func(i int) error {
		return second(s.RevokeGrants(t.Context(), filters[i], storage.RevokedByOperator))
	})
	close(over)
	s.must(<-followed)
	for _, err := range answers {
		s.must(err)
	}
	if got := recorded(seen); !slices.Equal(got, ids) {
		t.Errorf("the follower saw %d of %d revocations", len(got), len(ids))
	}
}

// followOn reads what is new up to the highest number, in steps.
func followOn(ctx context.Context, s *scene, seen *[]storage.Revocation) error {
	position := func() int64 {
		if len(*seen) == 0 {
			return 0
		}
		return (*seen)[len(*seen)-1].Sequence
	}
	_, highest, err := s.RevocationBounds(ctx)
	for err == nil && position() < highest {
		var step []storage.Revocation
		step, err = s.Revocations(ctx, position(), 10)
		if err == nil && len(step) == 0 {
			return fmt.Errorf("the highest number is %d, and nothing is seen above %d", highest, position())
		}
		*seen = append(*seen, step...)
	}
	return err
}
