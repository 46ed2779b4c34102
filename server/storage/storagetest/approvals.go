package storagetest

import (
	"errors"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func approvalChecks() []check {
	return []check{
		{"an approval binds the browser and returns the row", func(t *testing.T, s *scene) {
			txn := s.pending("client")
			approval := s.newApproval(txn)
			approved, err := s.ApproveTransaction(t.Context(), approval, s.now, noLimit)
			s.must(err)
			txn.Status = storage.StatusApproved
			txn.PageHash, txn.StateHash, txn.BrowserHash = &approval.PageHash, &approval.StateHash, &approval.BrowserHash
			txn.Sealed = approval.Sealed
			same(t, approved, txn)
			stored, err := s.TransactionByHandle(t.Context(), txn.HandleHash, s.now)
			s.must(err)
			same(t, stored, txn)
		}},
		{"a repeat from the same page returns the first approval", func(t *testing.T, s *scene) {
			approval := s.newApproval(s.pending("client"))
			first, err := s.ApproveTransaction(t.Context(), approval, s.now, noLimit)
			s.must(err)
			approval.StateHash, approval.BrowserHash, approval.Sealed = s.hash(), s.hash(), []byte("other")
			second, err := s.ApproveTransaction(t.Context(), approval, s.now, noLimit)
			s.must(err)
			same(t, second, first)
		}},
		{"a repeat from another page is refused and changes nothing", func(t *testing.T, s *scene) {
			approval := s.newApproval(s.pending("client"))
			first, err := s.ApproveTransaction(t.Context(), approval, s.now, noLimit)
			s.must(err)
			approval.PageHash = s.hash()
			leaked, err := s.ApproveTransaction(t.Context(), approval, s.now, noLimit)
			s.want(storage.ErrUsed, err)
			same(t, leaked, storage.Transaction{})
			stored, err := s.TransactionByHandle(t.Context(), first.HandleHash, s.now)
			s.must(err)
			same(t, stored, first)
		}},
		{"approving or denying an unknown handle is not found", func(t *testing.T, s *scene) {
			_, err := s.ApproveTransaction(t.Context(), s.newApproval(s.newTransaction("client")), s.now, noLimit)
			s.want(storage.ErrNotFound, err)
			_, err = s.DenyTransaction(t.Context(), s.hash(), s.now)
			s.want(storage.ErrNotFound, err)
		}},
		{"a denial returns the row", func(t *testing.T, s *scene) {
			txn := s.pending("client")
			denied, err := s.DenyTransaction(t.Context(), txn.HandleHash, s.now)
			s.must(err)
			txn.Status = storage.StatusDenied
			same(t, denied, txn)
		}},
		{"racing approvals from one page all see the same row", func(t *testing.T, s *scene) {
			txn := s.pending("client")
			page := s.hash()
			rows := make([]storage.Transaction, racers)
			for _, err := range race(racers, func(i int) (err error) {
				approval := s.newApproval(txn)
				approval.PageHash = page
				rows[i], err = s.ApproveTransaction(t.Context(), approval, s.now, noLimit)
				return err
			}) {
				s.must(err)
			}
			for _, row := range rows {
				same(t, row, rows[0])
			}
		}},
		{"of racing approvals from many pages one wins", func(t *testing.T, s *scene) {
			txn := s.pending("client")
			oneWins(t, race(racers, func(int) error {
				_, err := s.ApproveTransaction(t.Context(), s.newApproval(txn), s.now, noLimit)
				return err
			}), storage.ErrUsed)
		}},
		{"of a racing approval and denial one wins", func(t *testing.T, s *scene) {
			for range 20 {
				txn := s.pending("client")
				oneWins(t, race(2, func(i int) (err error) {
					if i == 0 {
						_, err = s.ApproveTransaction(t.Context(), s.newApproval(txn), s.now, noLimit)
					} else {
						_, err = s.DenyTransaction(t.Context(), txn.HandleHash, s.now)
					}
					return err
				}), storage.ErrUsed)
			}
		}},
	}
}

func claimChecks() []check {
	return []check{
		{"the approving browser claims once and gets the row", func(t *testing.T, s *scene) {
			txn := s.approved("client")
			claimed, err := s.ClaimTransaction(t.Context(), *txn.StateHash, *txn.BrowserHash, s.now)
			s.must(err)
			txn.Status = storage.StatusClaimed
			same(t, claimed, txn)
			_, err = s.ClaimTransaction(t.Context(), *txn.StateHash, *txn.BrowserHash, s.now)
			s.want(storage.ErrUsed, err)
		}},
		{"an unknown state is not found", func(t *testing.T, s *scene) {
			s.pending("client")
			_, err := s.ClaimTransaction(t.Context(), s.hash(), s.hash(), s.now)
			s.want(storage.ErrNotFound, err)
		}},
		{"another browser burns the transaction", func(t *testing.T, s *scene) {
			txn := s.approved("client")
			leaked, err := s.ClaimTransaction(t.Context(), *txn.StateHash, s.hash(), s.now)
			s.want(storage.ErrWrongBrowser, err)
			same(t, leaked, storage.Transaction{})
			same(t, s.status(txn), storage.StatusBurned)
			_, err = s.ClaimTransaction(t.Context(), *txn.StateHash, *txn.BrowserHash, s.now)
			s.want(storage.ErrUsed, err)
			_, err = s.ClaimTransaction(t.Context(), *txn.StateHash, s.hash(), s.now)
			s.want(storage.ErrUsed, err)
		}},
		{"of racing claims one wins", func(t *testing.T, s *scene) {
			for range contested(t) {
				txn := s.approved("client")
				oneWins(t, race(racers, func(int) error {
					_, err := s.ClaimTransaction(t.Context(), *txn.StateHash, *txn.BrowserHash, s.now)
					return err
				}), storage.ErrUsed)
			}
		}},
		{"of racing browsers one decides", func(t *testing.T, s *scene) {
			for range 20 {
				txn := s.approved("client")
				decided := 0
				for _, err := range race(racers, func(i int) error {
					browser := *txn.BrowserHash
					if i%2 == 0 {
						browser = s.hash()
					}
					_, err := s.ClaimTransaction(t.Context(), *txn.StateHash, browser, s.now)
					return err
				}) {
					if err == nil || errors.Is(err, storage.ErrWrongBrowser) {
						decided++
					} else {
						s.want(storage.ErrUsed, err)
					}
				}
				same(t, decided, 1)
			}
		}},
		{"of a racing failure and completion one wins", func(t *testing.T, s *scene) {
			for range 20 {
				txn := s.claimed("client")
				oneWins(t, race(racers, func(i int) error {
					if i%2 == 0 {
						return s.FailTransaction(t.Context(), txn.ID)
					}
					return s.CompleteTransaction(t.Context(), s.newCompletion(txn, "alice"))
				}), storage.ErrUsed)
			}
		}},
	}
}

// contested is how many single-use things the long races are about.
func contested(t *testing.T) int {
	if testing.Short() {
		t.Log("short: 20 instead of 200 contested rows")
		return 20
	}
	return 200
}
