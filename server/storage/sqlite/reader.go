package sqlite

import (
	"context"
	"database/sql"
)

// reader is the pool of read-only connections.
type reader struct {
	pool *sql.DB
	hot  map[string]*sql.Stmt // by text; complete before the first read
}

// openReader prepares the statements that run for every request.
func openReader(ctx context.Context, pool *sql.DB, hot ...string) (*reader, error) {
	r := &reader{pool: pool, hot: make(map[string]*sql.Stmt, len(hot))}
	for _, query := range hot {
		statement, err := pool.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		r.hot[query] = statement
	}
	return r, nil
}

// row reads the one row of a query into dest. No row is sql.ErrNoRows.
func (r *reader) row(ctx context.Context, dest []any, query string, args ...any) error {
	if statement, ok := r.hot[query]; ok {
		return statement.QueryRowContext(ctx, args...).Scan(dest...)
	}
	return r.pool.QueryRowContext(ctx, query, args...).Scan(dest...)
}

// query starts to read many rows, for collect.
func (r *reader) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if statement, ok := r.hot[query]; ok {
		return statement.QueryContext(ctx, args...)
	}
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
