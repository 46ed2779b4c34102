package bench

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// sameRows is a ledger with the rows of an exchange, in a database of the core with its indexes and foreign keys. Nobody
// else writes there. It speaks to the driver, as the store does.
type sameRows struct {
	*ledger
	conn          driver.Conn
	begin, commit execution
	// copyCode copies a code: it takes the hash and the grant id of the copy, and the hash of the code.
	copyCode execution
	// redeem, grant and mark take a moment and the hash of a code. grant also takes that of a refresh token.
	redeem, grant, mark execution

	model []byte   // hash of the code that is copied
	codes [][]byte // hashes of those of a turn
}

// execution is what the driver can do with a statement.
type execution interface {
	driver.Stmt
	driver.StmtExecContext
}

func openSameRows(b *testing.B) *sameRows {
	b.Helper()
	data := b.TempDir()
	code, err := register(b, openCoreIn(b, store{}, data)).authorize(b.Context(), passThrough)
	if err != nil {
		b.Fatal(err)
	}
	connector, err := sqlite.NewConnector("file:" + filepath.Join(data, "gatehouse.db") + pragmas +
		"&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		b.Fatal(err)
	}
	conn, err := connector.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	r := &sameRows{conn: conn, model: secret.NewText(code).Hash().Bytes(), codes: make([][]byte, exchanges)}
	if err := r.prepare(); err != nil {
		b.Fatal(err)
	}
	r.ledger = keep(b, r.transact, r.close)
	return r
}

// issue makes the codes of a turn.
func (r *sameRows) issue(b *testing.B) {
	b.Helper()
	err := changes(r.begin)
	for i := range r.codes {
		r.codes[i] = make([]byte, len(r.model))
		_, _ = rand.Read(r.codes[i]) // never fails
		err = errors.Join(err, changesOne(r.copyCode, r.codes[i], rand.Text(), r.model))
	}
	if err := errors.Join(err, changes(r.commit)); err != nil {
		b.Fatal(err)
	}
}

func (r *sameRows) prepare() error {
	for _, statement := range []struct {
		prepared *execution
		text     string
	}{
		{&r.begin, `BEGIN IMMEDIATE`},
		{&r.commit, `COMMIT`},
		{&r.copyCode, `INSERT INTO codes SELECT ?1, ?2, client_id, redirect_uri, redirect_given, challenge, resource, scopes,
				user_id, credential_id, create_time, expire_time + 86400000000, NULL
			FROM codes WHERE hash = ?3`},
		{&r.redeem, `UPDATE codes SET use_time = ?1 WHERE hash = ?2 AND use_time IS NULL AND expire_time > ?1`},
		{&r.grant, `INSERT INTO grants (id, client_id, user_id, credential_id, resource, scopes, create_time, last_used_time,
				expire_time, revoke_reason, refresh_generation, refresh_hash, refresh_expire_time)
			SELECT grant_id, client_id, user_id, credential_id, resource, scopes, ?1, ?1, ?1 + 7776000000000, '', 1, ?3,
				?1 + 2592000000000
			FROM codes WHERE hash = ?2`},
		{&r.mark, `UPDATE clients SET last_used_time = ?1 WHERE id = (SELECT client_id FROM codes WHERE hash = ?2)`},
	} {
		prepared, err := r.conn.Prepare(statement.text)
		if err != nil {
			return err
		}
		var ok bool
		if *statement.prepared, ok = prepared.(execution); !ok {
			return errors.Join(errors.New("the driver executes no prepared statements"), prepared.Close())
		}
	}
	return nil
}

func (r *sameRows) close() error {
	var err error
	for _, statement := range []execution{r.begin, r.commit, r.copyCode, r.redeem, r.grant, r.mark} {
		err = errors.Join(err, statement.Close())
	}
	return errors.Join(err, r.conn.Close())
}

func (r *sameRows) transact(batch []posting) error {
	if err := changes(r.begin); err != nil {
		return err
	}
	for _, p := range batch {
		if err := r.enter(r.codes[p.number]); err != nil {
			return err
		}
	}
	return changes(r.commit)
}

// enter writes the rows of one exchange.
func (r *sameRows) enter(code []byte) error {
	now := time.Now().UnixMicro()
	refresh := make([]byte, len(code))
	_, _ = rand.Read(refresh) // never fails
	if err := changesOne(r.redeem, now, code); err != nil {
		return err
	}
	if err := changesOne(r.grant, now, code, refresh); err != nil {
		return err
	}
	return changesOne(r.mark, now, code)
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
