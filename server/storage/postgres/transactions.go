package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

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
		SELECT $2::text, $3::bytea, $4::text, $5::text, $6::text, $7::boolean, $8::text, $9::boolean, $10::text,
			$11::text, $12::text[], $13::text, $14::timestamptz, $15::timestamptz, $16::bytea, $17::bytea,
			$18::bytea, $19::bytea`
	insertPending = insertTransaction + ` WHERE (` + countUnapproved + `) < $20`
	insertLogin   = insertTransaction + ` WHERE (` + countLogins + `) < $20`

	selectTransactionByHandle = `SELECT ` + transactionColumns + ` FROM transactions
		WHERE handle_hash = $1 AND expire_time > $2`

	approveTransaction = `UPDATE transactions
		SET status = 'approved', page_hash = $3, state_hash = $4, browser_hash = $5, sealed = $6
		WHERE handle_hash = $2 AND status = 'pending' AND expire_time > $1 AND (` + countUnderWay + `) < $7
		RETURNING ` + transactionColumns

	denyTransaction = `UPDATE transactions SET status = 'denied'
		WHERE handle_hash = $1 AND status = 'pending' AND expire_time > $2
		RETURNING ` + transactionColumns

	// One statement both claims and burns: a wrong browser has exactly one try.
	claimTransaction = `UPDATE transactions
		SET status = CASE WHEN browser_hash = $3 THEN 'claimed' ELSE 'burned' END
		WHERE state_hash = $1 AND status = 'approved' AND expire_time > $2
		RETURNING ` + transactionColumns

	failTransaction     = `UPDATE transactions SET status = 'failed' WHERE id = $1 AND status = 'claimed'`
	completeTransaction = `UPDATE transactions SET status = 'completed' WHERE id = $1 AND status = 'claimed'`

	selectTransactionStatus = `SELECT status FROM transactions WHERE state_hash = $1 AND expire_time > $2`
	transactionExists       = `SELECT id FROM transactions WHERE id = $1`
)

// CreateTransaction implements storage.Transactions.
func (s *Store) CreateTransaction(ctx context.Context, txn storage.Transaction, limit int) error {
	insert, part := insertLogin, logins()
	if txn.Status != storage.StatusApproved || txn.ClientID != "" {
		txn.Status = storage.StatusPending
		insert, part = insertPending, unapproved()
	}
	args := append([]any{txn.CreateTime}, transactionFields(&txn)...)
	return s.changeBounded(ctx, "create transaction", bounded{
		turn: turnTransactions, limit: limit,
		change: func(tx *session, below int) (bool, error) {
			inserted, err := tx.insert(insert, append(args, below)...)
			return inserted > 0, err
		},
		makeRoom: func(tx *session) error { return part.makeRoom(tx, txn.CreateTime, limit) },
	})
}

// TransactionByHandle implements storage.Transactions.
func (s *Store) TransactionByHandle(
	ctx context.Context, handle secret.Hash, now time.Time,
) (txn storage.Transaction, err error) {
	err = s.read(ctx, "read transaction", func(tx *session) error {
		return tx.row(transactionFields(&txn), selectTransactionByHandle, digest{&handle}, now)
	})
	return txn, err
}

// ApproveTransaction implements storage.Transactions.
func (s *Store) ApproveTransaction(
	ctx context.Context, approval storage.Approval, now time.Time, limit int,
) (txn storage.Transaction, err error) {
	err = s.changeBounded(ctx, "approve transaction", bounded{
		turn: turnTransactions, limit: limit,
		change:   func(tx *session, below int) (bool, error) { return approve(tx, &txn, &approval, now, below) },
		makeRoom: func(tx *session) error { return underWay().makeRoom(tx, now, limit) },
	})
	if err != nil {
		return storage.Transaction{}, err
	}
	return txn, nil
}

// approve reports whether the transaction is approved by this page. Where it could be and is not, there is no room.
func approve(
	tx *session, txn *storage.Transaction, approval *storage.Approval, now time.Time, below int,
) (bool, error) {
	err := tx.row(transactionFields(txn), approveTransaction, now, digest{&approval.HandleHash},
		digest{&approval.PageHash}, digest{&approval.StateHash}, digest{&approval.BrowserHash},
		blob{&approval.Sealed}, below)
	if !errors.Is(err, pgx.ErrNoRows) {
		return err == nil, err
	}
	err = tx.row(transactionFields(txn), selectTransactionByHandle, digest{&approval.HandleHash}, now)
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
		err := tx.row(transactionFields(txn), denyTransaction, digest{&handle}, now)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if err := tx.row(transactionFields(txn), selectTransactionByHandle, digest{&handle}, now); err != nil {
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
		err := tx.row(transactionFields(txn), claimTransaction, digest{&state}, now, digest{&browser})
		if errors.Is(err, pgx.ErrNoRows) {
			if err := tx.row([]any{&became}, selectTransactionStatus, digest{&state}, now); err != nil {
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

// refusal says why a guard matched no row: ErrUsed when the row exists, whose id query asks for, and pgx.ErrNoRows
// otherwise.
func refusal(tx *session, query string, args ...any) error {
	var id string
	if err := tx.row([]any{&id}, query, args...); err != nil {
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
