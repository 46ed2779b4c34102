package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// session is a connection, or a transaction on it, for as long as one operation lasts. That is also how long its context
// is good, which it therefore carries.
//
// A text that the server cannot hold (NUL, or not UTF-8) makes it refuse a whole statement. So the methods answer for
// it: nothing with such a key exists, and insert refuses to store it.
type session struct {
	ctx  context.Context
	conn interface {
		Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
		Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
		QueryRow(ctx context.Context, query string, args ...any) pgx.Row
	}
}

// change executes a statement and returns how many rows it changed.
func (s *session) change(query string, args ...any) (int, error) {
	if !storable(args) {
		return 0, nil
	}
	tag, err := s.conn.Exec(s.ctx, query, args...)
	return int(tag.RowsAffected()), err
}

// insert is change for a statement that stores what callers brought.
func (s *session) insert(query string, args ...any) (int, error) {
	if !storable(args) {
		return 0, storage.ErrInvalid
	}
	return s.change(query, args...)
}

// row executes a statement that returns at most one row and reads it into dest. No row is pgx.ErrNoRows.
func (s *session) row(dest []any, query string, args ...any) error {
	if !storable(args) {
		return pgx.ErrNoRows
	}
	return s.conn.QueryRow(s.ctx, query, args...).Scan(dest...)
}

// insertRow is row for a statement that stores what callers brought.
func (s *session) insertRow(dest []any, query string, args ...any) error {
	if !storable(args) {
		return storage.ErrInvalid
	}
	return s.row(dest, query, args...)
}

// collect executes a statement and reads every row of it.
func collect[T any](s *session, fields func(*T) []any, query string, args ...any) ([]T, error) {
	if !storable(args) {
		return nil, nil
	}
	rows, err := s.conn.Query(s.ctx, query, args...)
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

// texts is collect for one text column.
func (s *session) texts(query string, args ...any) ([]string, error) {
	return collect(s, func(text *string) []any { return []any{text} }, query, args...)
}
