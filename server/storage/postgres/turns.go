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

// bounded is an insert into a table part that has a bound.
type bounded struct {
	turn string
	// statement inserts when fewer rows are present than a number, and returns how many are and whether it did.
	statement string
	// args are all arguments of the statement but the number, which is its last.
	args []any
	// limit is the most rows.
	limit int
}

// insertBounded inserts, or answers storage.ErrLimit when the limit is reached.
//
// Under read committed, inserts that run at the same time do not count each other. Far below the limit that does not
// matter. Close to it they take turns, and the limit is exact, with one exception: an insert that is still on its way
// from far below, having been overtaken by margin others since it counted, comes on top. There is at most one such
// insert for each connection.
func (s *Store) insertBounded(ctx context.Context, action string, insert bounded) error {
	var done bool
	apply := func(tx *session, below int) error {
		var present int
		err := tx.insertRow([]any{&present, &done}, insert.statement, append(insert.args, below)...)
		if err == nil && !done && present >= insert.limit {
			return storage.ErrLimit
		}
		return err
	}
	err := s.write(ctx, action, func(tx *session) error { return apply(tx, insert.limit-margin) })
	if err != nil || done {
		return err
	}
	return s.transact(ctx, action, func(tx *session) error {
		if err := takeTurn(tx, insert.turn); err != nil {
			return err
		}
		return apply(tx, insert.limit)
	})
}
