package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// session is a connection with the statements that it has prepared so far. It is for one goroutine.
//
// Its methods take no context on purpose: see the package comment on interrupts.
type session struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt // by text; every text is a constant, which bounds the map
}

// openSession takes a connection out of a pool.
func openSession(ctx context.Context, pool *sql.DB) (*session, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, statements: make(map[string]*sql.Stmt)}, nil
}

// close closes the connection itself instead of giving it back, since its state may be unknown.
func (s *session) close() {
	for _, statement := range s.statements {
		_ = statement.Close()
	}
	// Returning ErrBadConn is how database/sql is told to discard a connection.
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = s.conn.Close()
}

func (s *session) prepared(query string) (*sql.Stmt, error) {
	if statement, ok := s.statements[query]; ok {
		return statement, nil
	}
	statement, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s.statements[query] = statement
	return statement, nil
}

// run executes a statement whose effect needs no count.
func (s *session) run(query string, args ...any) error {
	_, err := s.change(query, args...)
	return err
}

// change executes a statement and returns how many rows it changed.
func (s *session) change(query string, args ...any) (int, error) {
	statement, err := s.prepared(query)
	if err != nil {
		return 0, err
	}
	result, err := statement.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	count, err := result.RowsAffected()
	return int(count), err
}

// insert is change for a statement that stores what callers brought: it refuses text that no backend can keep.
func (s *session) insert(query string, args ...any) (int, error) {
	if err := checkText(args); err != nil {
		return 0, err
	}
	return s.change(query, args...)
}

// row executes a statement that returns at most one row and reads it into dest. No row is sql.ErrNoRows.
func (s *session) row(dest []any, query string, args ...any) error {
	statement, err := s.prepared(query)
	if err != nil {
		return err
	}
	return statement.QueryRowContext(context.Background(), args...).Scan(dest...)
}

// texts executes a statement that returns one text column and reads all rows.
func (s *session) texts(query string, args ...any) ([]string, error) {
	statement, err := s.prepared(query)
	if err != nil {
		return nil, err
	}
	rows, err := statement.QueryContext(context.Background(), args...)
	return collect(rows, err, func(text *string) []any { return []any{text} })
}
