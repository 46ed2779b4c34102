package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// reader is the read-only connections. Lookups by a key have their own: they run for every request and are over in
// microseconds. Everything else goes through a pool, where the caller's context ends it.
type reader struct {
	lookups chan *session // those that are free; nil is one that is to be opened
	uri     string
	closing chan struct{}
	pool    *sql.DB
}

// openReader opens a first connection, to see that the file can be read. size bounds how many read at the same time,
// lookups and everything else each: a storm of them must leave the writer some time to run.
func openReader(ctx context.Context, uri string, size int) (*reader, error) {
	pool, err := openPool(uri, size)
	if err != nil {
		return nil, err
	}
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	r := &reader{lookups: make(chan *session, size), uri: uri, closing: make(chan struct{}), pool: pool}
	for range size {
		r.lookups <- nil
	}
	return r, nil
}

// close waits for the reads in hand. Call it once.
func (r *reader) close() error {
	close(r.closing)
	err := r.pool.Close()
	for range cap(r.lookups) {
		if s := <-r.lookups; s != nil {
			err = errors.Join(err, s.close())
		}
	}
	return err
}

// lookup reads the one row that a key has into dest. No row is sql.ErrNoRows.
func (r *reader) lookup(ctx context.Context, dest []any, query string, args ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s := <-r.lookups:
		var kept *session // none after a panic
		defer func() { r.lookups <- kept }()
		var err error
		kept, err = r.lookupOn(ctx, s, dest, query, args)
		return err
	case <-r.closing:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lookupOn returns what is to be used the next time: a session that has failed is not.
func (r *reader) lookupOn(ctx context.Context, s *session, dest []any, query string, args []any) (*session, error) {
	if s == nil {
		opened, err := openSession(ctx, r.uri)
		if err != nil {
			return nil, err
		}
		s = opened
	}
	err := s.row(dest, query, args...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		_ = s.close()
		return nil, err
	}
	return s, err
}

// row reads the one row of a query into dest. No row is sql.ErrNoRows.
func (r *reader) row(ctx context.Context, dest []any, query string, args ...any) error {
	return r.pool.QueryRowContext(ctx, query, args...).Scan(dest...)
}

// query starts to read many rows, for collect.
func (r *reader) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.pool.QueryContext(ctx, query, args...)
}

// collect reads every row of a query. It takes the query's error so that a call can be passed to it.
func collect[T any](rows *sql.Rows, err error, fields func(*T) []any) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var record T
		if err := rows.Scan(fields(&record)...); err != nil {
			return nil, err
		}
		all = append(all, record)
	}
	return all, rows.Err()
}
