package transfer_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// opened is a store that is open for a transfer.
type opened interface {
	transfer.Target
	Close() error
}

// place is where a store can be, and the ways to open it.
type place interface {
	serve(ctx context.Context) (storage.Store, error)
	export(ctx context.Context) (opened, error)
	fill(ctx context.Context) (opened, error)
}

// file is a store in SQLite.
type file string

func newFile(t testing.TB) file { return file(filepath.Join(t.TempDir(), "gatehouse.db")) }

func (f file) serve(ctx context.Context) (storage.Store, error) { return sqlite.Open(ctx, string(f)) }

func (f file) export(ctx context.Context) (opened, error) {
	return sqlite.OpenForExport(ctx, string(f))
}

func (f file) fill(ctx context.Context) (opened, error) { return sqlite.OpenForImport(ctx, string(f)) }

// database is a store in PostgreSQL.
type database string

func newDatabase(t testing.TB, server *postgrestest.Server) database {
	return database(server.URL(server.Database(t)))
}

func (d database) serve(ctx context.Context) (storage.Store, error) {
	return postgres.Open(ctx, string(d))
}

func (d database) export(ctx context.Context) (opened, error) {
	return postgres.OpenForExport(ctx, string(d))
}

func (d database) fill(ctx context.Context) (opened, error) {
	return postgres.OpenForImport(ctx, string(d))
}

// use opens a place, hands it to do, and closes it.
func use[S interface{ Close() error }](t testing.TB, open func(context.Context) (S, error), do func(S)) {
	t.Helper()
	store, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	do(store)
}

// move copies one place to another.
func move(t testing.TB, from, to place, opts ...transfer.Option) (err error) {
	t.Helper()
	use(t, from.export, func(source opened) {
		use(t, to.fill, func(target opened) { err = transfer.Copy(t.Context(), source, target, opts...) })
	})
	return err
}

func mustMove(t testing.TB, from, to place) {
	t.Helper()
	if err := move(t, from, to); err != nil {
		t.Fatal(err)
	}
}

// dump reads everything in a file without the help of this package: column names and values of each row by table.
func (f file) dump(t testing.TB) map[string][][]any {
	t.Helper()
	pool, err := sql.Open("sqlite", string(f))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	all := make(map[string][][]any)
	for _, table := range texts(t, pool, `SELECT name FROM sqlite_schema WHERE type = 'table'
		AND name NOT IN ('schema_version', 'heartbeat', 'sqlite_sequence')`) {
		all[table] = records(t, pool, `SELECT * FROM `+table+` ORDER BY 1`)
	}
	all["sqlite_sequence"] = records(t, pool, `SELECT name, seq FROM sqlite_sequence WHERE seq > 0`)
	return all
}

func texts(t testing.TB, pool *sql.DB, query string) (all []string) {
	t.Helper()
	for _, record := range records(t, pool, query)[1:] {
		all = append(all, record[0].(string))
	}
	return all
}

// records returns the names of the columns and then the rows of a query.
func records(t testing.TB, pool *sql.DB, query string) (all [][]any) {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	head := make([]any, len(names))
	for i, name := range names {
		head[i] = name
	}
	all = append(all, head)
	for rows.Next() {
		record, fields := make([]any, len(names)), make([]any, len(names))
		for i := range fields {
			fields[i] = &record[i]
		}
		if err := rows.Scan(fields...); err != nil {
			t.Fatal(err)
		}
		all = append(all, record)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
