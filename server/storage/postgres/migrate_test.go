package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// migrateSteps migrates with steps that are not this binary's.
func migrateSteps(ctx context.Context, url string, steps []migration) error {
	access, err := configure(url, settings{connections: 1})
	if err != nil {
		return err
	}
	_, err = migrate(ctx, access.pool.ConnConfig, steps, Up)
	return err
}

// query reads one number.
func query(t *testing.T, url, text string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if err := conn.QueryRow(t.Context(), text).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const countTables = `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()`

func TestMigrations(t *testing.T) {
	server := postgrestest.Start(t)
	own, err := embedded()
	if err != nil {
		t.Fatal(err)
	}

	t.Run("stores that open together migrate once", func(t *testing.T) {
		url := server.Schema(t)
		var opening sync.WaitGroup
		for range 8 {
			opening.Go(func() {
				store, err := Open(t.Context(), url)
				if err != nil {
					t.Error(err)
					return
				}
				_ = store.Close()
			})
		}
		opening.Wait()
		if rows := query(t, url, `SELECT count(*) FROM schema_version`); rows != len(own)+1 {
			t.Errorf("%d rows in schema_version, want one for each step and the lock", rows)
		}
	})

	t.Run("down undoes up and up can be repeated", func(t *testing.T) {
		url := server.Schema(t)
		for range 2 {
			if _, err := Migrate(t.Context(), url, Up); err != nil {
				t.Fatal(err)
			}
			if _, err := Migrate(t.Context(), url, Up); err != nil {
				t.Fatal(err)
			}
			for step := range len(own) + 1 { // one more than there are steps
				version, err := Migrate(t.Context(), url, Down)
				if want := max(len(own)-1-step, 0); err != nil || version != want {
					t.Fatalf("step %d: version %d, %v; want version %d", step, version, err, want)
				}
			}
			if tables := query(t, url, countTables); tables != 1 {
				t.Errorf("%d tables are left, want schema_version alone", tables)
			}
		}
		sequences := `SELECT count(*) FROM pg_sequences WHERE schemaname = current_schema()`
		if left := query(t, url, sequences); left != 0 {
			t.Errorf("%d sequences are left", left)
		}
	})

	t.Run("down is refused while a server is connected", func(t *testing.T) {
		url := server.Schema(t)
		store, err := Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Ping(t.Context()); err != nil { // a connection is made when it is needed
			t.Fatal(err)
		}
		_, err = Migrate(t.Context(), url, Down)
		if !errors.Is(err, transfer.ErrInUse) || errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("beside a server: %v", err)
		}
		if version, err := Migrate(t.Context(), url, Up); err != nil || version != len(own) {
			t.Errorf("up beside a server: version %d, %v", version, err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if version, err := Migrate(t.Context(), url, Down); err != nil || version != len(own)-1 {
			t.Errorf("after it: version %d, %v", version, err)
		}
	})

	t.Run("a newer schema is refused and left alone", func(t *testing.T) {
		url := server.Schema(t)
		newer := append(slices.Clip(own), migration{version: len(own) + 1, up: `CREATE TABLE mood (id bigint)`})
		if err := migrateSteps(t.Context(), url, newer); err != nil {
			t.Fatal(err)
		}
		tables := query(t, url, countTables)
		_, opened := Open(t.Context(), url)
		_, up := Migrate(t.Context(), url, Up)
		_, down := Migrate(t.Context(), url, Down)
		for _, err := range []error{opened, up, down} {
			if !errors.Is(err, ErrNewerSchema) || errors.Is(err, storage.ErrUnavailable) ||
				!strings.Contains(err.Error(), fmt.Sprintf("version %d, this program knows up to %d: use the newer program", len(own)+1, len(own))) {
				t.Errorf("a newer schema answered %v", err)
			}
		}
		if left := query(t, url, countTables); left != tables {
			t.Errorf("%d tables became %d", tables, left)
		}
	})

	t.Run("the numbers of the outbox go on where the sequence was", func(t *testing.T) {
		const before = 3 // steps
		for used, want := range map[string]int{`SELECT 0`: 0, `SELECT nextval('revocation_sequence') FROM generate_series(1, 3)`: 3} {
			url := server.Schema(t)
			steps := append(slices.Clip(own[:before]), migration{version: before + 1, up: used})
			if err := migrateSteps(t.Context(), url, steps); err != nil {
				t.Fatal(err)
			}
			there := append(slices.Clip(steps), migration{version: before + 2, up: own[before].up})
			back := append(slices.Clip(there), migration{version: before + 3, up: own[before].down})
			for _, move := range []struct {
				steps   []migration
				highest string
			}{
				{there, `SELECT last_sequence FROM outbox`},
				{back, `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM revocation_sequence`},
			} {
				if err := migrateSteps(t.Context(), url, move.steps); err != nil {
					t.Fatal(err)
				}
				if got := query(t, url, move.highest); got != want {
					t.Errorf("after %s: %s = %d", used, move.highest, got)
				}
			}
		}
	})

	t.Run("a failed step leaves nothing and can be repeated", func(t *testing.T) {
		url := server.Schema(t)
		good := migration{version: 1, up: `CREATE TABLE one (id bigint)`}
		bad := migration{version: 2, up: `CREATE TABLE two (id bigint); INSERT INTO missing VALUES (1)`}
		err := migrateSteps(t.Context(), url, []migration{good, bad})
		if err == nil || !strings.Contains(err.Error(), "migration 2") {
			t.Fatalf("a broken step answered %v", err)
		}
		if tables := query(t, url, countTables); tables != 1 {
			t.Errorf("%d tables, want schema_version alone", tables)
		}
		mended := []migration{good, {version: 2, up: `CREATE TABLE two (id bigint)`}}
		if err := migrateSteps(t.Context(), url, mended); err != nil {
			t.Errorf("the mended step answered %v", err)
		}
	})

	t.Run("only a migration needs the right to create tables", func(t *testing.T) {
		name := server.Database(t)
		admin := server.URL(name)
		run := func(statement string) {
			t.Helper()
			conn, err := pgx.Connect(t.Context(), admin)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.WithoutCancel(t.Context()))
			if _, err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		run(`CREATE ROLE app LOGIN`)
		run(`REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
		app := strings.Replace(admin, "user=gatehouse", "user=app", 1)
		_, err := Open(t.Context(), app)
		if !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), "permission denied") ||
			!strings.Contains(err.Error(), "gatehouse store migrate") {
			t.Errorf("without the right: %v", err)
		}
		if _, err := Migrate(t.Context(), admin, Up); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), app); err == nil || !strings.Contains(err.Error(), "grant the role SELECT, ") {
			t.Errorf("without rights on the tables: %v", err)
		}
		run(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app`)
		run(`GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public TO app`)
		store := openStore(t, app)
		if err := issue(t.Context(), store, "one"); err != nil {
			t.Error(err)
		}
		if err := exchange(t.Context(), store, "one"); err != nil {
			t.Error(err)
		}
		if _, _, err := store.RevocationBounds(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
