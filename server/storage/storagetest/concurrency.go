package storagetest

import (
	"errors"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func concurrencyChecks() []check {
	return []check{
		{"a failing write does no harm to its neighbours", func(t *testing.T, s *scene) {
			first := s.code("client", "alice")
			s.must(s.redeem(first))
			codes := make([]storage.Code, 4*racers)
			for i := range codes {
				codes[i] = s.code("client", "alice")
			}
			answers := race(len(codes), func(i int) error {
				grant := s.newGrant(codes[i])
				if i%2 == 0 { // fails after it has marked its code as used
					grant.ID = first.GrantID
				}
				return s.RedeemCode(t.Context(), codes[i].Hash, s.now, grant)
			})
			for i, err := range answers {
				if i%2 == 0 {
					s.want(storage.ErrExists, err)
					s.must(s.redeem(codes[i]))
				} else {
					s.must(err)
					s.want(storage.ErrUsed, s.redeem(codes[i]))
				}
			}
		}},
		{"who was told sees what was written", func(t *testing.T, s *scene) {
			for _, err := range race(racers, func(int) error {
				for range 10 {
					client := s.newClient()
					if err := s.CreateClient(t.Context(), client, noLimit); err != nil {
						return err
					}
					if _, err := s.Client(t.Context(), client.ID); err != nil {
						return err
					}
					if _, err := s.DeleteClient(t.Context(), client.ID, s.now); err != nil {
						return err
					}
				}
				return nil
			}) {
				s.must(err)
			}
		}},
		{"a sweep that races with redemptions takes nothing that lives", func(t *testing.T, s *scene) {
			codes := make([]storage.Code, racers)
			for i := range codes {
				codes[i] = s.code(s.client().ID, s.name("user"))
			}
			for _, err := range race(2*racers, func(i int) error {
				if i%2 == 0 {
					return s.redeem(codes[i/2])
				}
				_, err := s.Sweep(t.Context(), s.now, storage.SweepPolicy{Limit: 100})
				return err
			}) {
				s.must(err)
			}
			same(t, len(s.listed(storage.GrantFilter{Now: s.now})), racers)
		}},
		{"a client that is deleted while it logs in, redeems and refreshes is left with nothing", deletesClientAtWork},
	}
}

// deletesClientAtWork holds what the token endpoint rests on, which for a minute does not ask whether a client is there.
func deletesClientAtWork(t *testing.T, s *scene) {
	for range 8 {
		client := s.client()
		var work []func() error
		for range racers / 4 {
			login := s.newCompletion(s.claimed(client.ID), s.name("user"))
			code, grant := s.code(client.ID, "alice"), s.grant(client.ID, "alice")
			work = append(work,
				func() error {
					if err := s.CompleteTransaction(t.Context(), login); err != nil {
						return err
					}
					return s.redeem(login.Code)
				},
				func() error { return s.redeem(code) },
				func() error { return second(s.RotateRefreshToken(t.Context(), s.rotation(grant))) })
		}
		isGone := func(err error) bool { return errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrRevoked) }
		for i, err := range race(len(work)+1, func(i int) error {
			if i == len(work) {
				return second(s.DeleteClient(t.Context(), client.ID, s.now))
			}
			return work[i]()
		}) {
			if i == len(work) || !isGone(err) {
				s.must(err)
			}
		}
		same(t, len(s.listed(storage.GrantFilter{ClientID: client.ID, Now: s.now})), 0)
		for i, again := range work {
			if err := again(); !isGone(err) {
				t.Errorf("afterwards %d was told %v", i, err)
			}
		}
	}
}
