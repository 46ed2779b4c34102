package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func transactionChecks() []check {
	return []check{
		{"a transaction comes back as it was stored", func(t *testing.T, s *scene) {
			full := s.newTransaction("client")
			bare := storage.Transaction{
				ID: "bare", HandleHash: s.hash(), Status: storage.StatusPending, CreateTime: s.now,
				ExpireTime: s.now.Add(time.Minute),
			}
			empty := s.newTransaction("client") // a state that is given and empty is not one that is absent
			empty.ClientState = ""
			for _, txn := range []storage.Transaction{full, bare, empty} {
				s.must(s.CreateTransaction(t.Context(), txn, noLimit))
				stored, err := s.TransactionByHandle(t.Context(), txn.HandleHash, s.now)
				s.must(err)
				same(t, stored, txn)
			}
		}},
		{"a transaction starts pending whatever its record says", func(t *testing.T, s *scene) {
			txn := s.newTransaction("client")
			txn.Status = storage.StatusClaimed
			s.must(s.CreateTransaction(t.Context(), txn, noLimit))
			same(t, s.status(txn), storage.StatusPending)
		}},
		{"a taken id or handle is refused", func(t *testing.T, s *scene) {
			first := s.pending("client")
			sameID, sameHandle := s.newTransaction("client"), s.newTransaction("client")
			sameID.ID, sameHandle.HandleHash = first.ID, first.HandleHash
			s.want(storage.ErrExists, s.CreateTransaction(t.Context(), sameID, noLimit))
			s.want(storage.ErrExists, s.CreateTransaction(t.Context(), sameHandle, noLimit))
		}},
		{"a transaction is over at its expire time", expiresTransaction},
		{"each state allows its own steps only", walksStates},
		{"failing or completing an unknown transaction is not found", func(t *testing.T, s *scene) {
			s.want(storage.ErrNotFound, s.FailTransaction(t.Context(), "nothing"))
			completion := s.newCompletion(s.newTransaction("client"), "alice")
			s.want(storage.ErrNotFound, s.CompleteTransaction(t.Context(), completion))
		}},
	}
}

// expiresTransaction tries every step one microsecond before the expiry and at it.
func expiresTransaction(t *testing.T, s *scene) {
	ctx := t.Context()
	steps := map[string]func(now time.Time) error{
		"read": func(now time.Time) error {
			_, err := s.TransactionByHandle(ctx, s.pending("client").HandleHash, now)
			return err
		},
		"approve": func(now time.Time) error {
			_, err := s.ApproveTransaction(ctx, s.newApproval(s.pending("client")), now, noLimit)
			return err
		},
		"approve again": func(now time.Time) error {
			approval := s.newApproval(s.pending("client"))
			_, err := s.ApproveTransaction(ctx, approval, s.now, noLimit)
			s.must(err)
			_, err = s.ApproveTransaction(ctx, approval, now, noLimit)
			return err
		},
		"deny": func(now time.Time) error {
			_, err := s.DenyTransaction(ctx, s.pending("client").HandleHash, now)
			return err
		},
		"claim": func(now time.Time) error {
			txn := s.approved("client")
			_, err := s.ClaimTransaction(ctx, *txn.StateHash, *txn.BrowserHash, now)
			return err
		},
	}
	end := s.newTransaction("client").ExpireTime
	for name, step := range steps {
		if err := step(end.Add(-time.Microsecond)); err != nil {
			t.Errorf("%s just before the end: %v", name, err)
		}
		s.want(storage.ErrNotFound, step(end))
	}
}

// walksStates tries every step from every state.
func walksStates(t *testing.T, s *scene) {
	ctx := t.Context()
	steps := map[string]func(txn storage.Transaction) error{
		"approve": func(txn storage.Transaction) error {
			_, err := s.ApproveTransaction(ctx, s.newApproval(txn), s.now, noLimit)
			return err
		},
		"deny": func(txn storage.Transaction) error {
			_, err := s.DenyTransaction(ctx, txn.HandleHash, s.now)
			return err
		},
		"claim": func(txn storage.Transaction) error {
			if txn.StateHash == nil { // nobody knows a state yet
				return storage.ErrUsed
			}
			before := s.status(txn)
			claimed, err := s.ClaimTransaction(ctx, *txn.StateHash, *txn.BrowserHash, s.now)
			if err != nil {
				same(t, claimed, storage.Transaction{Status: before})
			}
			return err
		},
		"fail":     func(txn storage.Transaction) error { return s.FailTransaction(ctx, txn.ID) },
		"complete": func(txn storage.Transaction) error { return s.CompleteTransaction(ctx, s.newCompletion(txn, "alice")) },
	}
	next := map[storage.TransactionStatus]map[string]storage.TransactionStatus{
		storage.StatusPending:   {"approve": storage.StatusApproved, "deny": storage.StatusDenied},
		storage.StatusApproved:  {"claim": storage.StatusClaimed},
		storage.StatusClaimed:   {"fail": storage.StatusFailed, "complete": storage.StatusCompleted},
		storage.StatusCompleted: {},
		storage.StatusDenied:    {},
		storage.StatusFailed:    {},
		storage.StatusBurned:    {},
	}
	for from, allowed := range next {
		for name, step := range steps {
			txn := s.in(from)
			err := step(txn)
			to, ok := allowed[name]
			if !ok {
				s.want(storage.ErrUsed, err)
				to = from
			} else if err != nil {
				t.Errorf("%s from %s: %v", name, from, err)
			}
			if got := s.status(txn); got != to {
				t.Errorf("%s from %s leads to %s, want %s", name, from, got, to)
			}
		}
	}
}

// in returns a transaction in a state.
func (s *scene) in(status storage.TransactionStatus) storage.Transaction {
	s.t.Helper()
	return s.inFor("client", status)
}

// inFor returns a transaction of a client in a state.
func (s *scene) inFor(clientID string, status storage.TransactionStatus) storage.Transaction {
	s.t.Helper()
	ctx := s.t.Context()
	var txn storage.Transaction
	switch status {
	case storage.StatusPending:
		txn = s.pending(clientID)
	case storage.StatusDenied:
		txn = s.pending(clientID)
		_, err := s.DenyTransaction(ctx, txn.HandleHash, s.now)
		s.must(err)
	case storage.StatusApproved:
		txn = s.approved(clientID)
	case storage.StatusBurned:
		txn = s.approved(clientID)
		_, err := s.ClaimTransaction(ctx, *txn.StateHash, s.hash(), s.now)
		s.want(storage.ErrWrongBrowser, err)
	case storage.StatusClaimed:
		txn = s.claimed(clientID)
	case storage.StatusFailed:
		txn = s.claimed(clientID)
		s.must(s.FailTransaction(ctx, txn.ID))
	case storage.StatusCompleted:
		txn = s.claimed(clientID)
		s.must(s.CompleteTransaction(ctx, s.newCompletion(txn, "alice")))
	}
	return txn
}
