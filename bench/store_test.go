package bench

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

// connections is how many a store has to PostgreSQL, and so has what it is compared with.
const connections = 10

// store is where Gatehouse keeps its state.
type store struct {
	url    string               // GATEHOUSE_STORE_URL; empty for the file in the data directory
	server *postgrestest.Server // nil for the file
}

// another is an empty store of the same kind.
func (s store) another(b *testing.B) store {
	b.Helper()
	if s.server != nil {
		s.url = s.server.URL(s.server.Database(b))
	}
	return s
}

// onStores runs a benchmark on a new store of every kind.
func onStores(b *testing.B, run func(b *testing.B, s store)) {
	b.Helper()
	b.Run("store=sqlite", func(b *testing.B) { run(b, store{}) })
	b.Run("store=postgres", func(b *testing.B) { run(b, store{server: startPostgres(b)}.another(b)) })
}

// startPostgres runs a PostgreSQL that is durable and nobody else's. Go keeps the reason of a skipped benchmark to itself,
// but figures that are missing must not look like figures that nobody wanted.
func startPostgres(b *testing.B) *postgrestest.Server {
	b.Helper()
	defer func() {
		if b.Skipped() {
			leaveOut(b, "there is no PostgreSQL to start: apt-get install postgresql")
		}
	}()
	return postgrestest.Start(b)
}

// leaveOut says on standard error what is not measured, and how it would be.
func leaveOut(b *testing.B, reason string) {
	b.Helper()
	fmt.Fprintf(os.Stderr, "\n*** NOT MEASURED: %s: %s\n\n", b.Name(), reason)
}

// bareUpdate is the limit of a rotation: it changes one row of 200 bytes by its key, durably, and does nothing else. Each
// caller has a row of its own.
func (s store) bareUpdate(b *testing.B) func(caller int) error {
	b.Helper()
	if s.url == "" {
		return openLedger(b, refreshEntry()).write
	}
	config, err := pgxpool.ParseConfig(s.url)
	if err != nil {
		b.Fatal(err)
	}
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	for _, statement := range []string{
		`CREATE TABLE bare (id bigint PRIMARY KEY, times bigint NOT NULL, body bytea) WITH (fillfactor = 50)`,
		`INSERT INTO bare SELECT i, 0, decode(repeat('00', 200), 'hex') FROM generate_series(0, 999) i`,
	} {
		if _, err := pool.Exec(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	return func(caller int) error {
		_, err := pool.Exec(context.Background(), `UPDATE bare SET times = times + 1 WHERE id = $1`, caller)
		return err
	}
}
