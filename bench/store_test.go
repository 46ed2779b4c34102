package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
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

// plainUpdate is the least that a rotation can cost: it changes one row of 200 bytes by its key, durably, and does nothing
// else.
func (s store) plainUpdate(b *testing.B) func(int) error {
	b.Helper()
	if s.server == nil {
		return openPlainRows(b, refreshEntry())
	}
	pool := s.openPlainTables(b)
	return func(int) error {
		_, err := pool.Exec(context.Background(), `UPDATE used SET times = times + 1 WHERE id = $1`, rand.IntN(rowsUsed))
		return err
	}
}

// plainExchange writes as many rows as an exchange, in the same way.
func (s store) plainExchange(b *testing.B) func(int) error {
	b.Helper()
	if s.server == nil {
		return openPlainRows(b, exchangeEntry())
	}
	pool := s.openPlainTables(b)
	var written atomic.Int64
	return func(int) error {
		_, err := pool.Exec(context.Background(), `WITH used AS (UPDATE used SET times = times + 1 WHERE id = $1)
			INSERT INTO made SELECT $2 + i, decode(repeat('00', 200), 'hex') FROM generate_series(1, 2) i`,
			rand.IntN(rowsUsed), 2*written.Add(1))
		return err
	}
}

// rowsUsed is how many rows there are to change.
const rowsUsed = 100_000

func (s store) openPlainTables(b *testing.B) *pgxpool.Pool {
	b.Helper()
	pool := openPool(b, s.another(b).url)
	for _, statement := range []string{
		`CREATE TABLE used (id bigint PRIMARY KEY, times bigint NOT NULL, body bytea) WITH (fillfactor = 50)`,
		`CREATE TABLE made (id bigint PRIMARY KEY, body bytea)`,
		fmt.Sprintf(`INSERT INTO used SELECT i, 0, decode(repeat('00', 200), 'hex') FROM generate_series(0, %d) i`, rowsUsed-1),
	} {
		if _, err := pool.Exec(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	return pool
}
