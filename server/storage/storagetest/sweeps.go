package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// keep is the policy of the checks; its times differ so that none can stand in for another.
var keep = storage.SweepPolicy{
	UnusedClient:     24 * time.Hour,
	IdleClient:       200 * 24 * time.Hour,
	EndedGrant:       7 * 24 * time.Hour,
	EndedTransaction: time.Hour,
	Revocation:       30 * 24 * time.Hour,
	Limit:            100,
}

// sweep checks what a sweep at a moment deletes.
func (s *scene) sweep(now time.Time, policy storage.SweepPolicy, want storage.SweepResult) {
	s.t.Helper()
	result, err := s.Sweep(s.t.Context(), now, policy)
	s.must(err)
	same(s.t, result, want)
}

func sweepChecks() []check {
	return []check{
		{"an empty store has nothing to sweep", func(_ *testing.T, s *scene) {
			s.sweep(s.now, keep, storage.SweepResult{})
		}},
		{"live rows stay under the strictest policy", func(t *testing.T, s *scene) {
			client := s.client()
			txn, code, grant := s.pending(client.ID), s.code(client.ID, "alice"), s.grant(client.ID, "bob")
			fresh := s.client()
			s.approved(fresh.ID)
			s.sweep(s.now, storage.SweepPolicy{Limit: 100}, storage.SweepResult{})
			same(t, s.status(txn), storage.StatusPending)
			same(t, s.listed(storage.GrantFilter{Now: s.now}), []string{grant.ID})
			s.must(s.redeem(code))
		}},
		{"transactions and codes go when their time after the expiry is over", func(t *testing.T, s *scene) {
			code := s.code("client", "alice")
			used := s.code("client", "alice")
			s.must(s.BurnCode(t.Context(), used.Hash, s.now))
			end := code.ExpireTime.Add(keep.EndedTransaction)
			s.sweep(end.Add(-time.Microsecond), keep, storage.SweepResult{})
			s.want(storage.ErrUsed, s.BurnCode(t.Context(), used.Hash, s.now)) // a replay is still noticed
			s.sweep(end, keep, storage.SweepResult{Codes: 2})
			_, err := s.Code(t.Context(), code.Hash)
			s.want(storage.ErrNotFound, err)
			end = s.newTransaction("client").ExpireTime.Add(keep.EndedTransaction)
			s.sweep(end.Add(-time.Microsecond), keep, storage.SweepResult{})
			s.sweep(end, keep, storage.SweepResult{Transactions: 2})
		}},
		{"an expired grant goes after its time", func(t *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			s.discardAuthorizations()
			end := grant.ExpireTime.Add(keep.EndedGrant)
			s.sweep(end.Add(-time.Microsecond), keep, storage.SweepResult{})
			s.sweep(end, keep, storage.SweepResult{Grants: 1})
			_, err := s.Grant(t.Context(), grant.ID)
			s.want(storage.ErrNotFound, err)
		}},
		{"a revoked grant goes when its time after the revocation is over", func(t *testing.T, s *scene) {
			grant, other := s.grant("client", "alice"), s.grant("client", "alice")
			s.discardAuthorizations()
			s.revoke(grant)
			end := s.now.Add(keep.EndedGrant)
			s.sweep(end.Add(-time.Microsecond), keep, storage.SweepResult{})
			s.sweep(end, keep, storage.SweepResult{Grants: 1})
			_, err := s.Grant(t.Context(), grant.ID)
			s.want(storage.ErrNotFound, err)
			s.stands(other)
		}},
		{"a sweep deletes no more than its limit of each table", func(t *testing.T, s *scene) {
			const rows, limit = 5, 2
			for range rows {
				user := s.name("user")
				s.revoke(s.grant(s.client().ID, user))
				s.client()
				s.session(user)
				s.must(s.UseAssertion(t.Context(), s.hash(), s.now))
			}
			policy := storage.SweepPolicy{Limit: limit}
			end := s.now.Add(1000 * 24 * time.Hour)
			var total storage.SweepResult
			for round := 0; ; round++ {
				if round > 10*rows {
					t.Fatal("sweeping never ends")
				}
				s.discardCredentials(end)
				result, err := s.Sweep(t.Context(), end, policy)
				s.must(err)
				for _, count := range counts(&result) {
					if *count > limit {
						t.Fatalf("a sweep with limit %d deleted %+v", limit, result)
					}
				}
				if result == (storage.SweepResult{}) {
					break
				}
				for i, count := range counts(&result) {
					*counts(&total)[i] += *count
				}
			}
			same(t, total, storage.SweepResult{
				Clients: 2 * rows, Transactions: 2 * rows, Codes: rows, Grants: rows, Revocations: rows,
				AccountSessions: rows, Assertions: rows, Users: rows,
			})
		}},
	}
}

// counts lists the fields of a result.
func counts(r *storage.SweepResult) []*int {
	return []*int{
		&r.Clients, &r.Transactions, &r.Codes, &r.Grants, &r.Revocations, &r.AccountSessions, &r.Assertions, &r.Users,
	}
}

// discardAuthorizations sweeps transactions and codes away, so that a check can count the rest.
func (s *scene) discardAuthorizations() {
	s.t.Helper()
	policy := keep
	policy.EndedTransaction = 0
	_, err := s.Sweep(s.t.Context(), s.newTransaction("client").ExpireTime, policy)
	s.must(err)
}

func clientSweepChecks() []check {
	return []check{
		{"an unused registration goes after its time", func(t *testing.T, s *scene) {
			client := s.client()
			end := s.now.Add(keep.UnusedClient)
			s.sweep(end.Add(-time.Microsecond), keep, storage.SweepResult{})
			s.sweep(end, keep, storage.SweepResult{Clients: 1})
			_, err := s.Client(t.Context(), client.ID)
			s.want(storage.ErrNotFound, err)
		}},
		{"a swept registration makes room for another", func(t *testing.T, s *scene) {
			s.client()
			s.sweep(s.now.Add(keep.UnusedClient), keep, storage.SweepResult{Clients: 1})
			second := s.newClient()
			s.must(s.CreateClient(t.Context(), second, 2))
			s.must(s.CreateClient(t.Context(), s.newClient(), 2))
			same(t, s.registered(second), true)
		}},
		{"an unused registration stays while a login that was approved is under way", func(t *testing.T, s *scene) {
			waiting, exchanging := s.client(), s.client()
			start := s.now
			s.now = start.Add(keep.UnusedClient)
			s.approved(waiting.ID)
			s.code(exchanging.ID, "alice")
			s.sweep(s.now, keep, storage.SweepResult{})
			for _, client := range []storage.Client{waiting, exchanging} {
				_, err := s.Client(t.Context(), client.ID)
				s.must(err)
			}
		}},
		{"a login that is only asked for holds no registration", func(t *testing.T, s *scene) {
			client := s.client()
			s.now = s.now.Add(keep.UnusedClient)
			txn := s.pending(client.ID)
			s.sweep(s.now, keep, storage.SweepResult{Clients: 1})
			same(t, s.registered(client), false)
			same(t, s.present(txn), true) // its page will say that the client is gone
		}},
		{"a used client goes after its idle time and not as unused", func(t *testing.T, s *scene) {
			client := s.client()
			s.grant(client.ID, "alice")
			s.discardAuthorizations()
			end := s.now.Add(keep.IdleClient)
			policy := keep
			policy.EndedGrant = 1000 * 24 * time.Hour // ended grants do not hold their client
			s.sweep(end.Add(-time.Microsecond), policy, storage.SweepResult{})
			s.sweep(end, policy, storage.SweepResult{Clients: 1})
			_, err := s.Client(t.Context(), client.ID)
			s.want(storage.ErrNotFound, err)
		}},
		{"a client with a live grant is never swept", func(t *testing.T, s *scene) {
			client := s.client()
			grant := s.grant(client.ID, "alice")
			s.discardAuthorizations()
			policy := storage.SweepPolicy{EndedGrant: keep.EndedGrant, Limit: 100}
			result, err := s.Sweep(t.Context(), grant.ExpireTime.Add(-time.Microsecond), policy)
			s.must(err)
			same(t, result.Clients, 0)
			_, err = s.Client(t.Context(), client.ID)
			s.must(err)
			s.sweep(grant.ExpireTime, policy, storage.SweepResult{Clients: 1})
		}},
		{"a revoked grant does not hold its client", func(t *testing.T, s *scene) {
			client := s.client()
			grant := s.grant(client.ID, "alice")
			s.discardAuthorizations()
			s.revoke(grant)
			policy := keep
			policy.IdleClient = 0
			s.sweep(s.now, policy, storage.SweepResult{Clients: 1})
		}},
		{"operators' clients are never swept", func(t *testing.T, s *scene) {
			used, unused := s.newClient(), s.newClient()
			used.Origin, unused.Origin = storage.OriginOperator, storage.OriginOperator
			s.create(used)
			s.create(unused)
			s.grant(used.ID, "alice")
			result, err := s.Sweep(t.Context(), s.now.Add(10000*24*time.Hour), storage.SweepPolicy{Limit: 100})
			s.must(err)
			same(t, result.Clients, 0)
		}},
	}
}
