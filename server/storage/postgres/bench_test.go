package postgres

import (
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

// parallelism is callers per core. They share ten connections, as in production.
const parallelism = 32

func openBench(b *testing.B) *Store {
	b.Helper()
	server := postgrestest.Start(b)
	return openStore(b, server.URL(server.Database(b)))
}

// fill runs statements that prepare a table, and lets the server learn how large it has become.
func fill(b *testing.B, store *Store, statements ...string) {
	b.Helper()
	for _, statement := range append(statements, "ANALYZE") {
		err := store.read(b.Context(), "fill", func(tx *session) error {
			_, err := tx.change(statement)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// fillCodes stores a client and codes of 100 users, whose hashes are those of the names "code code-0" and so on.
func fillCodes(b *testing.B, store *Store, count int) {
	b.Helper()
	client := storage.Client{ID: "client", Origin: storage.OriginDynamic, CreateTime: noon}
	if err := store.CreateClient(b.Context(), client, 1000); err != nil {
		b.Fatal(err)
	}
	fill(b, store,
		`INSERT INTO users (`+userColumns+`) SELECT 'user-' || i, 'provider', 'issuer', i::text, '', '', '', '', false,
			'', NULL, now() FROM generate_series(0, 99) i`,
		`INSERT INTO users (`+userColumns+`) VALUES ('user', 'provider', 'issuer', 'subject', '', '', '', '', false, '',
			NULL, now())`,
		`INSERT INTO credentials (`+credentialColumns+`) SELECT 'credential-' || i, 'user-' || i, 'provider', '', '',
			NULL, NULL, false, '', 1, now(), 0, NULL FROM generate_series(0, 99) i`,
		`INSERT INTO codes (`+codeColumns+`) SELECT sha256(('code code-' || i)::bytea), 'grant code-' || i, 'client',
			'http://127.0.0.1/callback', true, repeat('c', 43), 'https://mcp.example/mcp', '{mcp}', 'user-' || i % 100,
			'credential-' || i % 100, '2026-06-01 12:00Z', '2026-06-01 13:00Z', NULL
			FROM generate_series(0, `+strconv.Itoa(count)+`) i`,
	)
}

// fillGrants stores the grants of fillCodes as if every code had been exchanged.
func fillGrants(b *testing.B, store *Store, count int) {
	b.Helper()
	fill(b, store, `INSERT INTO grants (`+grantColumns+`) SELECT 'grant code-' || i, 'client', 'user-' || i % 100,
		'credential-' || i % 100, 'https://mcp.example/mcp', '{mcp}', '2026-06-01 12:00Z', '2026-06-01 12:00Z',
		'2026-07-01 12:00Z', NULL, '', 0, NULL, NULL, NULL FROM generate_series(0, `+strconv.Itoa(count)+`) i`)
}

// inParallel lets many callers do something, each time with another number.
func inParallel(b *testing.B, do func(i int) error) {
	b.Helper()
	var next atomic.Int64
	b.SetParallelism(parallelism)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(int(next.Add(1) - 1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

// BenchmarkRedeemCode is the write that matters most: a code and its client change, a grant is inserted, durably.
func BenchmarkRedeemCode(b *testing.B) {
	store := openBench(b)
	fillCodes(b, store, b.N)
	inParallel(b, func(i int) error { return exchange(b.Context(), store, numbered("code", i)) })
}

// BenchmarkRotateRefreshToken rotates many lines.
func BenchmarkRotateRefreshToken(b *testing.B) {
	const lines = 1000
	store := openBench(b)
	fillCodes(b, store, lines)
	for i := range lines {
		if err := exchange(b.Context(), store, numbered("code", i)); err != nil {
			b.Fatal(err)
		}
	}
	fill(b, store)
	var generations [lines]atomic.Int64
	inParallel(b, func(i int) error {
		line := i % lines
		return rotate(b.Context(), store, numbered("code", line), int(generations[line].Add(1)))
	})
}

// BenchmarkRevokeGrant ends logins one by one, as many at a time as there are callers. All of them draw a number of the
// outbox.
func BenchmarkRevokeGrant(b *testing.B) {
	store := openBench(b)
	fillCodes(b, store, b.N)
	fillGrants(b, store, b.N)
	inParallel(b, func(i int) error {
		filter := storage.GrantFilter{ID: "grant " + numbered("code", i), Now: noon}
		_, err := store.RevokeGrants(b.Context(), filter, storage.RevokedByUser)
		return err
	})
}

// BenchmarkRevokeCrowd ends 20,000 logins at once.
func BenchmarkRevokeCrowd(b *testing.B) {
	const crowd = 20_000
	store := openBench(b)
	fillCodes(b, store, crowd)
	fillGrants(b, store, crowd)
	for b.Loop() {
		b.StopTimer()
		fill(b, store, `UPDATE grants SET revoke_time = NULL`)
		b.StartTimer()
		revoked, err := store.RevokeGrants(b.Context(), storage.GrantFilter{ClientID: "client", Now: noon}, storage.RevokedByUser)
		if err != nil || len(revoked) < crowd {
			b.Fatalf("%d revoked, %v", len(revoked), err)
		}
	}
}

// BenchmarkBareUpdate is the limit for the two above: one guarded update of one row of a table with nothing but its key,
// through the same pool.
func BenchmarkBareUpdate(b *testing.B) {
	store := openBench(b)
	fill(b, store,
		`CREATE TABLE bare (id bigint PRIMARY KEY, used boolean NOT NULL, body bytea) WITH (fillfactor = 50)`,
		`INSERT INTO bare SELECT i, false, decode(repeat('00', 200), 'hex')
			FROM generate_series(0, `+strconv.Itoa(b.N)+`) i`,
	)
	inParallel(b, func(i int) error {
		return store.write(b.Context(), "bare", func(tx *session) error {
			return standing(tx.change(`UPDATE bare SET used = true WHERE id = $1 AND NOT used`, i))
		})
	})
}

// BenchmarkReadGrant is the read behind a strict verification.
func BenchmarkReadGrant(b *testing.B) {
	const grants = 1000
	store := openBench(b)
	fillCodes(b, store, grants)
	for i := range grants {
		if err := exchange(b.Context(), store, numbered("code", i)); err != nil {
			b.Fatal(err)
		}
	}
	fill(b, store)
	inParallel(b, func(i int) error {
		_, err := store.Grant(b.Context(), "grant "+numbered("code", i%grants))
		return err
	})
}
