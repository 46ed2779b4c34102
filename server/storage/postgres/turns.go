package postgres

import (
	"context"
	"errors"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Names of rows in turns.
const (
	turnClients      = "clients"
	turnTransactions = "transactions"
	turnSigningKeys  = "signing_keys"
)

// margin is how far below a limit inserts begin to take turns.
const margin = 256

// takeTurn waits until nobody else holds the turn, and holds it until the end of the transaction. The statements after it
// see what the holders before have written. It is a row and not an advisory lock, because CockroachDB has none that locks.
func takeTurn(tx *session, name string) error {
	held, err := tx.change(`SELECT name FROM turns WHERE name = $1 FOR UPDATE`, name)
	if err == nil && held == 0 {
		return errors.New("the row of the turn is gone: " + name)
	}
	return err
}

// bounded is a change that adds one row to a part of a table that has a bound.
type bounded struct {
	turn  string
	limit int
	// change makes the change when fewer rows than a number are present, and reports whether it did.
	change func(tx *session, below int) (bool, error)
	// makeRoom deletes rows until there is room for one more, or answers storage.ErrLimit.
	makeRoom func(tx *session) error
}

// changeBounded makes a change, or answers storage.ErrLimit when the limit is reached and nothing can go.
//
// Under read committed, changes that are made at the same time do not count each other. Far below the limit that does not
// matter. Close to it they take turns, and the limit is exact, with one exception: a change that is still on its way
// from far below, having been overtaken by margin others since it counted, comes on top. There is at most one such
// change for each connection, and the next one that makes room makes it for them as well.
func (s *Store) changeBounded(ctx context.Context, action string, b bounded) error {
	var done bool
	err := s.write(ctx, action, func(tx *session) (err error) {
		done, err = b.change(tx, b.limit-margin)
		return err
	})
	if err != nil || done {
		return err
	}
	return s.transact(ctx, action, func(tx *session) error {
		if err := takeTurn(tx, b.turn); err != nil {
			return err
		}
		if err := b.makeRoom(tx); err != nil {
			return err
		}
		done, err := b.change(tx, b.limit)
		if err == nil && !done {
			return storage.ErrLimit
		}
		return err
	})
}

// excessOf returns how many rows must go before there is room for another.
func excessOf(tx *session, limit int, count string, args ...any) (excess int, err error) {
	if limit <= 0 {
		return 0, storage.ErrLimit
	}
	var present int
	if err := tx.row([]any{&present}, count, args...); err != nil {
		return 0, err
	}
	return max(0, present+1-limit), nil
}
