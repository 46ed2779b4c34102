package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const transactionColumns = `id, handle_hash, status, client_id, redirect_uri, redirect_given, client_state, has_state,
	challenge, resource, scopes, provider, create_time, expire_time, page_hash, state_hash, browser_hash, sealed`

// transactionFields matches transactionColumns.
func transactionFields(t *storage.Transaction) []any {
	return []any{
		&t.ID,
		digest{&t.HandleHash},
		&t.Status, &t.ClientID, &t.RedirectURI, &t.RedirectGiven, &t.ClientState,
		&t.HasState, &t.Challenge, &t.Resource,
		list{&t.Scopes},
		&t.Provider,
		instant{&t.CreateTime},
		instant{&t.ExpireTime},
		optionalDigest{&t.PageHash},
		optionalDigest{&t.StateHash},
		optionalDigest{&t.BrowserHash},
		blob{&t.Sealed},
	}
}

// The guard of every transition is in its WHERE clause. When it matches no row, a second statement says why.
const (
	insertTransaction = `INSERT INTO transactions (` + transactionColumns + `)
		SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`
	insertPending = insertTransaction + ` WHERE (` + countUnapproved + `) < ?`
	insertLogin   = insertTransaction + ` WHERE (` + countLogins + `) < ?`

	selectTransactionByHandle = `SELECT ` + transactionColumns + ` FROM transactions
		WHERE handle_hash = ? AND expire_time > ?`

	approveTransaction = `UPDATE transactions
		SET status = 'approved', page_hash = ?, state_hash = ?, browser_hash = ?, sealed = ?
		WHERE handle_hash = ? AND status = 'pending' AND expire_time > ? AND (` + countUnderWay + `) < ?
		RETURNING ` + transactionColumns

	denyTransaction = `UPDATE transactions SET status = 'denied'
		WHERE handle_hash = ? AND status = 'pending' AND expire_time > ?
		RETURNING ` + transactionColumns

	// One statement both claims and burns: a wrong browser has exactly one try.
	claimTransaction = `UPDATE transactions
		SET status = CASE WHEN browser_hash = ? THEN 'claimed' ELSE 'burned' END
		WHERE state_hash = ? AND status = 'approved' AND expire_time > ?
		RETURNING ` + transactionColumns

	failTransaction     = `UPDATE transactions SET status = 'failed' WHERE id = ? AND status = 'claimed'`
	completeTransaction = `UPDATE transactions SET status = 'completed' WHERE id = ? AND status = 'claimed'`

	selectTransactionStatus = `SELECT status FROM transactions WHERE state_hash = ? AND expire_time > ?`
	transactionExists       = `SELECT 1 FROM transactions WHERE id = ?`
)

// CreateTransaction implements storage.Transactions.
func (s *Store) CreateTransaction(ctx context.Context, txn storage.Transaction, limit int) error {
	insert, part := insertLogin, logins()
	// Only a login at this server itself needs no consent, since there is no client to consent to.
	if txn.Status != storage.StatusApproved || txn.ClientID != "" {
		txn.Status = storage.StatusPending
		insert, part = insertPending, unapproved()
	}
	return s.write(ctx, "create transaction", func(tx *session) error {
		return changeBounded(func() (bool, error) {
			inserted, err := tx.insert(insert, append(transactionFields(&txn), at(txn.CreateTime), limit)...)
			return inserted > 0, err
		}, func() error { return part.makeRoom(tx, txn.CreateTime, limit) })
	})
}

// TransactionByHandle implements storage.Transactions.
func (s *Store) TransactionByHandle(
	ctx context.Context, handle secret.Hash, now time.Time,
) (txn storage.Transaction, err error) {
	err = s.reader.lookup(ctx, transactionFields(&txn), selectTransactionByHandle, handle.Bytes(), at(now))
	return txn, answer("read transaction", err)
}

// ApproveTransaction implements storage.Transactions.
func (s *Store) ApproveTransaction(
	ctx context.Context, approval storage.Approval, now time.Time, limit int,
) (storage.Transaction, error) {
	return s.transition(ctx, "approve transaction", func(tx *session, txn *storage.Transaction) error {
		return changeBounded(
			func() (bool, error) { return approve(tx, txn, &approval, now, limit) },
			func() error { return underWay().makeRoom(tx, now, limit) })
	})
}

// approve reports whether the transaction is approved by this page. Where it could be and is not, there is no room.
func approve(
	tx *session, txn *storage.Transaction, approval *storage.Approval, now time.Time, limit int,
) (bool, error) {
	err := tx.row(transactionFields(txn), approveTransaction,
		digest{&approval.PageHash}, digest{&approval.StateHash}, digest{&approval.BrowserHash},
		blob{&approval.Sealed}, digest{&approval.HandleHash}, at(now), at(now), limit)
	if !errors.Is(err, sql.ErrNoRows) {
		return err == nil, err
	}
	err = tx.row(transactionFields(txn), selectTransactionByHandle, digest{&approval.HandleHash}, at(now))
	switch {
	case err != nil:
		return false, err
	case txn.Status == storage.StatusPending:
		return false, nil
	case txn.Status == storage.StatusApproved && txn.PageHash != nil && txn.PageHash.Equal(approval.PageHash):
		return true, nil
	default:
		return false, storage.ErrUsed
	}
}

// DenyTransaction implements storage.Transactions.
func (s *Store) DenyTransaction(
	ctx context.Context, handle secret.Hash, now time.Time,
) (storage.Transaction, error) {
	return s.transition(ctx, "deny transaction", func(tx *session, txn *storage.Transaction) error {
		err := tx.row(transactionFields(txn), denyTransaction, digest{&handle}, at(now))
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := tx.row(transactionFields(txn), selectTransactionByHandle, digest{&handle}, at(now)); err != nil {
			return err
		}
		return storage.ErrUsed
	})
}

// ClaimTransaction implements storage.Transactions.
func (s *Store) ClaimTransaction(
	ctx context.Context, state, browser secret.Hash, now time.Time,
) (storage.Transaction, error) {
	var became storage.TransactionStatus
	txn, err := s.transition(ctx, "claim transaction", func(tx *session, txn *storage.Transaction) error {
		err := tx.row(transactionFields(txn), claimTransaction, digest{&browser}, digest{&state}, at(now))
		if errors.Is(err, sql.ErrNoRows) {
			if err := tx.row([]any{&became}, selectTransactionStatus, digest{&state}, at(now)); err != nil {
				return err
			}
			return storage.ErrUsed
		}
		return err
	})
	if errors.Is(err, storage.ErrUsed) {
		return storage.Transaction{Status: became}, err
	}
	// The operation must succeed for the burning to be committed; only then is it told as a refusal.
	if err == nil && txn.Status == storage.StatusBurned {
		return storage.Transaction{}, storage.ErrWrongBrowser
	}
	return txn, err
}

// FailTransaction implements storage.Transactions.
func (s *Store) FailTransaction(ctx context.Context, id string) error {
	return s.write(ctx, "fail transaction", func(tx *session) error { return leaveClaimed(tx, failTransaction, id) })
}

// leaveClaimed moves a claimed transaction on.
func leaveClaimed(tx *session, update, id string) error {
	changed, err := tx.change(update, id)
	if err == nil && changed == 0 {
		return refusal(tx, transactionExists, id)
	}
	return err
}

// refusal says why a guard matched no row: ErrUsed when the row exists, which query asks, and sql.ErrNoRows otherwise.
func refusal(tx *session, query string, args ...any) error {
	var found int
	if err := tx.row([]any{&found}, query, args...); err != nil {
		return err
	}
	return storage.ErrUsed
}

// transition runs an operation that yields the row, and yields nothing when it fails.
func (s *Store) transition(
	ctx context.Context, action string, apply func(*session, *storage.Transaction) error,
) (txn storage.Transaction, err error) {
	err = s.write(ctx, action, func(tx *session) error { return apply(tx, &txn) })
	if err != nil {
		return storage.Transaction{}, err
	}
	return txn, nil
}
