package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// read runs statements that change nothing. action names it in errors.
func (s *Store) read(ctx context.Context, action string, apply func(*session) error) error {
	return s.operate(ctx, action, func(ctx context.Context, conn *pgxpool.Conn) error {
		return apply(&session{ctx, conn})
	})
}

// write runs one statement that changes something, which is a transaction by itself, and perhaps others after it that
// only read. It may run apply again, which therefore has no effect but its statements and its results.
func (s *Store) write(ctx context.Context, action string, apply func(*session) error) error {
	if s.access.pooled { // the settings of a transaction need a place
		return s.transact(ctx, action, apply)
	}
	return s.read(ctx, action, apply)
}

// transact runs statements in one transaction. It may run apply again, as write does.
func (s *Store) transact(ctx context.Context, action string, apply func(*session) error) error {
	return s.operate(ctx, action, func(ctx context.Context, conn *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: s.access.begin}, func(tx pgx.Tx) error {
			return apply(&session{ctx, tx})
		})
	})
}

// operate runs an operation on a connection, and again when the server asks for it.
//
// A caller who leaves is let go while he waits for a connection. After that the operation runs to its end: interrupting
// it would cost the connection and leave the outcome unknown.
func (s *Store) operate(ctx context.Context, action string, run func(context.Context, *pgxpool.Conn) error) error {
	return answer(action, s.retry.do(ctx, func() error {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.settings.operationTimeout)
		defer cancel()
		return run(ctx, conn)
	}))
}

func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.settings.acquireTimeout)
	defer cancel()
	return s.pool.Acquire(ctx)
}
