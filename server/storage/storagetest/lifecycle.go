package storagetest

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func lifecycleChecks() []check {
	return []check{
		{"an open store answers a ping", func(t *testing.T, s *scene) {
			s.must(s.Ping(t.Context()))
			s.must(s.Ping(t.Context()))
		}},
		{"a closed store is unavailable, whatever is asked", func(t *testing.T, s *scene) {
			calls := s.calls()
			s.must(s.Close())
			for name, call := range calls {
				if err := call(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
					t.Errorf("%s after Close: %v, want %v", name, err, storage.ErrUnavailable)
				}
			}
		}},
		{"closing twice is fine", func(t *testing.T, s *scene) {
			s.must(s.Close())
			s.must(s.Close())
		}},
		{"a call whose caller has left is an outage that names the reason, and changes nothing", func(t *testing.T, s *scene) {
			left, leave := context.WithCancel(t.Context())
			leave()
			for name, call := range s.calls() {
				err := call(left)
				if !errors.Is(err, storage.ErrUnavailable) || !errors.Is(err, context.Canceled) {
					t.Errorf("%s for a caller who has left: %v", name, err)
				}
			}
			for name, call := range s.calls() { // each would be refused if it had happened
				if err := call(t.Context()); err != nil {
					t.Errorf("%s after it was withdrawn: %v", name, err)
				}
			}
		}},
		{"writes that race with closing are told apart", func(t *testing.T, s *scene) {
			for i, err := range race(racers, func(i int) error {
				if i == racers/2 {
					return s.Close()
				}
				return s.CreateClient(t.Context(), s.newClient(), noLimit)
			}) {
				if err != nil && (i == racers/2 || !errors.Is(err, storage.ErrUnavailable)) {
					t.Errorf("caller %d was told %v", i, err)
				}
			}
		}},
	}
}

// calls returns one call of each method, ready to succeed.
func (s *scene) calls() map[string]func(context.Context) error {
	s.t.Helper()
	client, doomed := s.client(), s.client()
	fresh, txn := s.newClient(), s.newTransaction(client.ID)
	pending, denied, approved := s.pending(client.ID), s.pending(client.ID), s.approved(client.ID)
	failing, completion := s.claimed(client.ID), s.newCompletion(s.claimed(client.ID), "alice")
	code, burning, grant := s.code(client.ID, "alice"), s.code(client.ID, "alice"), s.grant(client.ID, "alice")
	filter, page := storage.GrantFilter{ID: grant.ID, Now: s.now}, storage.Page{Limit: 1}
	approval := s.newApproval(pending)
	calls := map[string]func(context.Context) error{
		"CreateClient": func(ctx context.Context) error { return s.CreateClient(ctx, fresh, noLimit) },
		"Client":       func(ctx context.Context) error { return second(s.Client(ctx, client.ID)) },
		"ClientAuthentication": func(ctx context.Context) error {
			return second(s.ClientAuthentication(ctx, client.ID))
		},
		"ListClients":  func(ctx context.Context) error { return second(s.ListClients(ctx, page)) },
		"DeleteClient": func(ctx context.Context) error { return second(s.DeleteClient(ctx, doomed.ID, s.now)) },

		"CreateTransaction": func(ctx context.Context) error { return s.CreateTransaction(ctx, txn, noLimit) },
		"TransactionByHandle": func(ctx context.Context) error {
			return second(s.TransactionByHandle(ctx, approved.HandleHash, s.now))
		},
		"ApproveTransaction": func(ctx context.Context) error {
			return second(s.ApproveTransaction(ctx, approval, s.now, noLimit))
		},
		"DenyTransaction": func(ctx context.Context) error {
			return second(s.DenyTransaction(ctx, denied.HandleHash, s.now))
		},
		"ClaimTransaction": func(ctx context.Context) error {
			return second(s.ClaimTransaction(ctx, *approved.StateHash, *approved.BrowserHash, s.now))
		},
		"FailTransaction": func(ctx context.Context) error { return s.FailTransaction(ctx, failing.ID) },

		"CompleteTransaction": func(ctx context.Context) error { return s.CompleteTransaction(ctx, completion) },
		"Code":                func(ctx context.Context) error { return second(s.Code(ctx, code.Hash)) },
		"RedeemCode": func(ctx context.Context) error {
			return s.RedeemCode(ctx, code.Hash, s.now, s.newGrant(code))
		},
		"BurnCode": func(ctx context.Context) error { return s.BurnCode(ctx, burning.Hash, s.now) },

		"Grant":      func(ctx context.Context) error { return second(s.Grant(ctx, grant.ID)) },
		"Evidence":   func(ctx context.Context) error { return second(s.Evidence(ctx, grant.ID)) },
		"ListGrants": func(ctx context.Context) error { return second(s.ListGrants(ctx, filter, page)) },
		"RevokeGrants": func(ctx context.Context) error {
			return second(s.RevokeGrants(ctx, filter, storage.RevokedByOperator))
		},

		"Sweep": func(ctx context.Context) error {
			return second(s.Sweep(ctx, s.now, storage.SweepPolicy{UnusedClient: noLimit, IdleClient: noLimit}))
		},
		"Ping": func(ctx context.Context) error { return s.Ping(ctx) },
	}
	maps.Copy(calls, s.credentialCalls())
	maps.Copy(calls, s.accountCalls())
	maps.Copy(calls, s.keyCalls())
	return calls
}

// second drops a result.
func second[T any](_ T, err error) error { return err }
