package bench

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"modernc.org/sqlite"
)

// sqliteRows speaks to the driver, as the store does, and commits what waits together.
type sqliteRows struct {
	*ledger
	conn          driver.Conn
	begun, ended  execution // begin and end a transaction
	copyCode      execution // takes the hash and the grant id of the copy, and the hash of the code
	redeem, mark  execution // take a moment and the hash of a code
	grant         execution // also takes that of a refresh token
	rotate        execution // takes a moment, the hash of a refresh token and the id of a grant
	markRefreshed execution // takes a moment and the id of a grant
	grants        []string  // ids of those that are refreshed
	marks         marks
}

// execution is what the driver can do with a statement.
type execution interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func openSQLiteRows(b *testing.B, data string) *sqliteRows {
	b.Helper()
	connector, err := sqlite.NewConnector("file:" + filepath.Join(data, "gatehouse.db") + pragmas +
		"&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		b.Fatal(err)
	}
	conn, err := connector.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	r := &sqliteRows{conn: conn}
	if err := errors.Join(r.prepare(), r.readGrants()); err != nil {
		b.Fatal(err)
	}
	r.ledger = keep(b, func() error { return changes(r.begun) }, func() error { return changes(r.ended) }, r.close)
	return r
}

const markUsed = `UPDATE clients SET last_used_time = ?1 WHERE (last_used_time IS NULL OR last_used_time < ?1 - 60000000)`

func (r *sqliteRows) prepare() (err error) {
	for _, statement := range []struct {
		prepared *execution
		text     string
	}{
		{&r.begun, `BEGIN IMMEDIATE`},
		{&r.ended, `COMMIT`},
		{&r.copyCode, `INSERT INTO codes SELECT ?1, ?2, client_id, redirect_uri, redirect_given, challenge, resource, scopes,
				user_id, credential_id, create_time, expire_time + 86400000000, NULL
			FROM codes WHERE hash = ?3`},
		{&r.redeem, `UPDATE codes SET use_time = ?1 WHERE hash = ?2 AND use_time IS NULL AND expire_time > ?1`},
		{&r.grant, `INSERT INTO grants (id, client_id, user_id, credential_id, resource, scopes, create_time, last_used_time,
				expire_time, revoke_reason, refresh_generation, refresh_hash, refresh_expire_time)
			SELECT grant_id, client_id, user_id, credential_id, resource, scopes, ?1, ?1, ?1 + 7776000000000, '', 1, ?3,
				?1 + 2592000000000
			FROM codes WHERE hash = ?2`},
		{&r.mark, markUsed + ` AND id = (SELECT client_id FROM codes WHERE hash = ?2)`},
		{&r.rotate, `UPDATE grants SET refresh_generation = refresh_generation + 1, refresh_hash = ?2,
				refresh_rotate_time = ?1, refresh_expire_time = ?1 + 2592000000000, last_used_time = ?1
			WHERE id = ?3 AND revoke_time IS NULL AND expire_time > ?1 AND refresh_expire_time > ?1`},
		{&r.markRefreshed, markUsed + ` AND id = (SELECT client_id FROM grants WHERE id = ?2)`},
	} {
		if *statement.prepared, err = r.statement(statement.text); err != nil {
			return err
		}
	}
	return nil
}

func (r *sqliteRows) statement(text string) (execution, error) {
	prepared, err := r.conn.Prepare(text)
	if err != nil {
		return nil, err
	}
	execution, ok := prepared.(execution)
	if !ok {
		return nil, errors.Join(errors.New("the driver executes no prepared statements"), prepared.Close())
	}
	return execution, nil
}

func (r *sqliteRows) readGrants() error {
	all, err := r.statement(`SELECT id FROM grants`)
	if err != nil {
		return err
	}
	rows, err := all.QueryContext(context.Background(), nil)
	if err != nil {
		return errors.Join(err, all.Close())
	}
	row := make([]driver.Value, 1)
	for err = rows.Next(row); err == nil; err = rows.Next(row) {
		id, _ := row[0].(string)
		r.grants = append(r.grants, id)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, rows.Close(), all.Close())
}

func (r *sqliteRows) close() error {
	var err error
	for _, statement := range []execution{
		r.begun, r.ended, r.copyCode, r.redeem, r.mark, r.grant, r.rotate, r.markRefreshed,
	} {
		err = errors.Join(err, statement.Close())
	}
	return errors.Join(err, r.conn.Close())
}

func (r *sqliteRows) issue(model []byte, codes [][]byte) error {
	return r.post(func() error {
		for _, code := range codes {
			if err := changesOne(r.copyCode, code, rand.Text(), model); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *sqliteRows) exchange(code []byte) error {
	now, refreshToken := time.Now().UnixMicro(), randomHash()
	return r.post(func() error {
		if err := changesOne(r.redeem, now, code); err != nil {
			return err
		}
		if err := changesOne(r.grant, now, code, refreshToken); err != nil {
			return err
		}
		return changes(r.mark, now, code)
	})
}

func (r *sqliteRows) refresh(grant int) error {
	now, refreshToken := time.Now().UnixMicro(), randomHash()
	return r.post(func() error {
		if err := changesOne(r.rotate, now, refreshToken, r.grants[grant]); err != nil {
			return err
		}
		if !r.marks.due(grant) {
			return nil
		}
		return changes(r.markRefreshed, now, r.grants[grant])
	})
}

func changes(statement execution, args ...driver.Value) error {
	_, err := execute(statement, args)
	return err
}

func changesOne(statement execution, args ...driver.Value) error {
	result, err := execute(statement, args)
	if err != nil {
		return err
	}
	if count, err := result.RowsAffected(); err != nil || count != 1 {
		return errors.Join(err, errors.New("a row is missing"))
	}
	return nil
}

func execute(statement execution, args []driver.Value) (driver.Result, error) {
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return statement.ExecContext(context.Background(), named)
}
