package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func testPool(t *testing.T, path string) *sql.DB {
	t.Helper()
	if err := ensureFile(path); err != nil {
		t.Fatal(err)
	}
	pool, err := openPool(writeURI(path, time.Second), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

func migrateFile(t *testing.T, path string, migrations []migration) error {
	t.Helper()
	if err := ensureFile(path); err != nil {
		t.Fatal(err)
	}
	s, err := openSession(t.Context(), writeURI(path, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return errors.Join(migrate(s, migrations), s.close())
}

func scanInt(t *testing.T, pool *sql.DB, query string) (n int) {
	t.Helper()
	if err := pool.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMigrationsApplyOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	for range 2 {
		store, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	migrations, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	pool := testPool(t, path)
	if rows := scanInt(t, pool, `SELECT count(*) FROM schema_version`); rows != len(migrations) {
		t.Errorf("%d steps are recorded, want %d", rows, len(migrations))
	}
}

func TestNewerSchemaIsRefusedAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	migrations, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	newer := append(migrations, migration{len(migrations) + 1, `ALTER TABLE clients ADD COLUMN mood TEXT`})
	if err := migrateFile(t, path, newer); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	store, err := Open(t.Context(), path)
	if store != nil || !errors.Is(err, ErrNewerSchema) || errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("opening answered %v, want %v", err, ErrNewerSchema)
	}
	if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("version %d, this program knows up to %d: use the newer program", len(migrations)+1, len(migrations))) {
		t.Errorf("the error does not say which versions: %v", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Error("the refused database was changed")
	}
}

func TestFailedStepLeavesNothingAndCanBeRepeated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	pool := testPool(t, path)
	broken := []migration{
		{1, `CREATE TABLE one (id INTEGER)`},
		{2, `CREATE TABLE two (id INTEGER); INSERT INTO two VALUES (1); INSERT INTO missing VALUES (1)`},
	}
	if err := migrateFile(t, path, broken); err == nil || !strings.Contains(err.Error(), "migration 2") {
		t.Fatalf("a broken step answered %v", err)
	}
	if version := scanInt(t, pool, `SELECT max(version) FROM schema_version`); version != 1 {
		t.Errorf("schema is at version %d, want 1", version)
	}
	if tables := scanInt(t, pool, `SELECT count(*) FROM sqlite_schema WHERE name = 'two'`); tables != 0 {
		t.Error("half a step is left")
	}
	mended := append(broken[:1:1], migration{2, `CREATE TABLE two (id INTEGER)`})
	if err := migrateFile(t, path, mended); err != nil {
		t.Errorf("the mended step answered %v", err)
	}
}

func TestMigrationsAreNumberedWithoutGaps(t *testing.T) {
	if _, err := embedded(); err != nil {
		t.Error(err)
	}
}

func TestTablesAreStrict(t *testing.T) {
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	loose := scanInt(t, store.reader.pool, `SELECT count(*) FROM pragma_table_list
		WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND NOT strict`)
	if loose != 0 {
		t.Errorf("%d tables are not STRICT", loose)
	}
}

func TestWriterSettings(t *testing.T) {
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"), WithBusyTimeout(1234*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	want := map[string]string{
		"PRAGMA journal_mode": "wal",
		"PRAGMA synchronous":  "2", // FULL
		"PRAGMA foreign_keys": "1",
		"PRAGMA busy_timeout": "1234",
	}
	err = store.write(t.Context(), "settings", func(tx *session) error {
		for query, value := range want {
			var got sql.NullString
			if err := tx.row([]any{&got}, query); err != nil {
				return err
			}
			if got.String != value {
				t.Errorf("%s is %s, want %s", query, got.String, value)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.reader.pool.ExecContext(context.Background(), `DELETE FROM clients`); err == nil {
		t.Error("a reader could write")
	}
}
