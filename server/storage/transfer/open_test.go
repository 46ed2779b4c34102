package transfer_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// everywhere runs a test for a place of each backend.
func everywhere(t *testing.T, try func(t *testing.T, p place)) {
	t.Run("SQLite", func(t *testing.T) { try(t, newFile(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { try(t, newDatabase(t, postgrestest.Start(t))) })
}

// execute runs a statement as somebody who is no store.
func execute(t *testing.T, p place, statement string) {
	t.Helper()
	switch p := p.(type) {
	case file:
		pool, err := sql.Open("sqlite", string(p))
		must(t, err)
		_, err = pool.ExecContext(t.Context(), statement)
		must(t, errors.Join(err, pool.Close()))
	case database:
		conn, err := pgx.Connect(t.Context(), string(p))
		must(t, err)
		_, err = conn.Exec(t.Context(), statement)
		must(t, errors.Join(err, conn.Close(context.WithoutCancel(t.Context()))))
	}
}

func wantRefused(t *testing.T, what string, open func(context.Context) (opened, error), want error) {
	t.Helper()
	store, err := open(t.Context())
	if err == nil {
		_ = store.Close()
	}
	if err == nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: opening answered %v, want %v", what, err, want)
	}
}

func TestStoreWithAServerIsRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		use(t, p.serve, func(server storage.Store) {
			must(t, server.Ping(t.Context())) // a connection to PostgreSQL is made when it is needed
			wantRefused(t, "source", p.export, transfer.ErrInUse)
			wantRefused(t, "target", p.fill, transfer.ErrInUse)
		})
		use(t, p.export, func(opened) {})
		use(t, p.fill, func(opened) {})
	})
}

func TestServerCannotOpenAFileThatIsBeingCopied(t *testing.T) {
	f := newFile(t)
	fill(t, f, 1)
	for name, open := range map[string]func(context.Context) (opened, error){"source": f.export, "target": f.fill} {
		use(t, open, func(opened) {
			store, err := sqlite.Open(t.Context(), string(f), sqlite.WithBusyTimeout(0))
			if err == nil {
				t.Errorf("%s: a server could open it", name)
				_ = store.Close()
			}
		})
	}
}

func TestSourceMustBeAStoreOfThisVersion(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		wantRefused(t, "nothing", p.export, nil)
		use(t, p.serve, func(storage.Store) {})
		execute(t, p, `DELETE FROM schema_version WHERE version > 0`)
		wantRefused(t, "an older schema", p.export, nil)
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		use(t, p.serve, func(storage.Store) {})
		execute(t, p, `INSERT INTO schema_version (version) VALUES (1000)`)
		want := sqlite.ErrNewerSchema
		if _, isDatabase := p.(database); isDatabase {
			want = postgres.ErrNewerSchema
		}
		wantRefused(t, "source", p.export, nil)
		wantRefused(t, "target", p.fill, want)
	})
}

func TestMissingFileIsNotMadeToCopyFrom(t *testing.T) {
	f := newFile(t)
	wantRefused(t, "source", f.export, fs.ErrNotExist)
	if _, err := os.Stat(string(f)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
}

func TestNewFileIsForItsOwnerOnly(t *testing.T) {
	f := newFile(t)
	fill(t, f, 10)
	info, err := os.Stat(string(f))
	must(t, err)
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the mode is %04o", mode)
	}
}

func TestSizeGrows(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		size := func() (size int64) {
			use(t, p.fill, func(store opened) {
				measured, err := store.(interface {
					Size(ctx context.Context) (int64, error)
				}).Size(t.Context())
				must(t, err)
				size = measured
			})
			return size
		}
		before := size()
		fill(t, p, 500)
		if after := size(); after < before+100_000 {
			t.Errorf("the size was %d and is %d", before, after)
		}
	})
}
