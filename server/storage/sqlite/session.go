package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// session is a connection with the statements that it has prepared so far. It is for one goroutine at a time.
//
// It stands on the driver, below database/sql: what that adds to a statement (locks, a watch on the context, conversions
// by reflection) costs as much as a lookup. Its methods take no context on purpose: see the package comment on interrupts.
type session struct {
	conn       driver.Conn
	statements map[string]*statement // by text; texts are put together from constants, which bounds the map
	args       []driver.NamedValue   // of the statement that runs
	values     []driver.Value        // of its row

	// changed is set when a statement may have changed something.
	changed bool
	// lost is set when a transaction is rolled back, also by SQLite itself.
	lost bool
}

// openSession opens a connection of its own.
func openSession(ctx context.Context, uri string) (*session, error) {
	connector, err := sqlite.NewConnector(uri)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, statements: make(map[string]*statement)}
	s.onRollback(func() { s.lost = true })
	return s, nil
}

func (s *session) onRollback(hook func()) {
	if hooks, ok := s.conn.(sqlite.HookRegisterer); ok {
		hooks.RegisterRollbackHook(hook)
	}
}

// close closes the connection, whatever state it is in.
func (s *session) close() error {
	var err error
	for _, statement := range s.statements {
		err = errors.Join(err, statement.Close())
	}
	s.onRollback(nil) // the driver would keep it
	return errors.Join(err, s.conn.Close())
}

// statement is a prepared statement.
type statement struct {
	execution
	reads  bool // it changes nothing
	counts bool // what it changes is the count of its result
}

// execution is what the driver can do with a prepared statement.
type execution interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func (s *session) prepared(query string) (*statement, error) {
	if known, ok := s.statements[query]; ok {
		return known, nil
	}
	prepared, err := s.conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	execution, ok := prepared.(execution)
	if !ok {
		return nil, errors.Join(errors.New("the driver executes no prepared statements"), prepared.Close())
	}
	verb, _, _ := strings.Cut(query, " ")
	added := &statement{
		execution: execution,
		reads:     verb == "SELECT",
		counts:    verb == "INSERT" || verb == "UPDATE" || verb == "DELETE",
	}
	s.statements[query] = added
	return added, nil
}

// run executes a statement whose effect needs no count.
func (s *session) run(query string, args ...any) error {
	_, err := s.change(query, args...)
	return err
}

// change executes a statement and returns how many rows it changed. A statement that fails has changed nothing: SQLite
// undoes what it did, or rolls back the whole transaction.
func (s *session) change(query string, args ...any) (int, error) {
	statement, err := s.prepared(query)
	if err != nil {
		return 0, err
	}
	if err := s.bind(args); err != nil {
		return 0, err
	}
	result, err := statement.ExecContext(context.Background(), s.args)
	if err != nil {
		return 0, err
	}
	count, err := result.RowsAffected()
	if count > 0 || !statement.counts {
		s.changed = true
	}
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
	found, err := s.query(query, args)
	if err != nil {
		return err
	}
	more, err := found.next(dest)
	if err == nil && !more {
		err = sql.ErrNoRows
	}
	return found.end(err)
}

// all executes a statement and reads all rows that it returns.
func all[T any](s *session, fields func(*T) []any, query string, args ...any) ([]T, error) {
	found, err := s.query(query, args)
	if err != nil {
		return nil, err
	}
	var records []T
	for {
		var record T
		more, err := found.next(fields(&record))
		if err != nil || !more {
			return records, found.end(err)
		}
		records = append(records, record)
	}
}

// texts executes a statement that returns one text column and reads all rows.
func (s *session) texts(query string, args ...any) ([]string, error) {
	return all(s, func(text *string) []any { return []any{text} }, query, args...)
}

// result is the rows that a statement returns.
type result struct {
	session *session
	rows    driver.Rows
	reads   bool // the statement has changed nothing
}

// query executes a statement that returns rows. Its caller ends the result.
func (s *session) query(query string, args []any) (result, error) {
	statement, err := s.prepared(query)
	if err != nil {
		return result{}, err
	}
	if err := s.bind(args); err != nil {
		return result{}, err
	}
	rows, err := statement.QueryContext(context.Background(), s.args)
	return result{session: s, rows: rows, reads: statement.reads}, err
}

// next reads the next row into dest and reports whether there was one.
func (r result) next(dest []any) (bool, error) {
	values := slices.Grow(r.session.values[:0], len(dest))[:len(dest)]
	r.session.values = values
	if err := r.rows.Next(values); errors.Is(err, io.EOF) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if !r.reads {
		r.session.changed = true
	}
	for i, value := range values {
		if err := assign(dest[i], value); err != nil {
			return false, err
		}
	}
	clear(values)
	return true, nil
}

// end makes the statement ready for the next time. It returns the error of its caller, or its own.
func (r result) end(err error) error {
	if ended := r.rows.Close(); err == nil {
		return ended
	}
	return err
}

// bind converts arguments to what the driver takes.
func (s *session) bind(args []any) (err error) {
	s.args = slices.Grow(s.args[:0], len(args))[:len(args)]
	for i, arg := range args {
		s.args[i] = driver.NamedValue{Ordinal: i + 1}
		if s.args[i].Value, err = argument(arg); err != nil {
			return err
		}
	}
	return nil
}
