package sqlite

import (
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// parallelism is callers per core: enough that commits are shared.
const parallelism = 32

func openBench(b *testing.B) *Store {
	b.Helper()
	store, err := Open(b.Context(), filepath.Join(b.TempDir(), "gatehouse.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	return store
}

// prepare fills the store through its writer, in bulk.
func prepare(b *testing.B, store *Store, fill func(tx *session) error) {
	b.Helper()
	if err := store.write(b.Context(), "prepare", fill); err != nil {
		b.Fatal(err)
	}
}

// insertCodes stores n codes with a client, user and credential.
func insertCodes(tx *session, n int) error {
	client := storage.Client{ID: "client", Origin: storage.OriginDynamic, CreateTime: noon}
	if _, err := tx.insert(insertClient, append(clientFields(&client), client.Origin, 1)...); err != nil {
		return err
	}
	user := storage.User{ID: "user", Provider: "provider", Issuer: "issuer", Subject: "subject"}
	if err := saveUser(tx, user); err != nil {
		return err
	}
	if err := saveCredential(tx, storage.Credential{ID: "credential", UserID: "user"}); err != nil {
		return err
	}
	for i := range n {
		code := codeNamed(numbered("code", i))
		if _, err := tx.insert(insertCode, codeFields(&code)...); err != nil {
			return err
		}
	}
	return nil
}

// insertGrants stores n grants that refresh, with what belongs to them.
func insertGrants(tx *session, n int) error {
	if err := insertCodes(tx, n); err != nil {
		return err
	}
	for i := range n {
		grant := grantOf(codeNamed(numbered("code", i)))
		if _, err := tx.insert(insertGrant, grantFields(&grant)...); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkRedeemCode is the rarer of the writes that matter most: one update each of code and client, one insert of a
// grant, durable.
func BenchmarkRedeemCode(b *testing.B) {
	store := openBench(b)
	prepare(b, store, func(tx *session) error { return insertCodes(tx, b.N) })
	var next atomic.Int64
	b.SetParallelism(parallelism)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			name := numbered("code", int(next.Add(1)-1))
			if err := exchange(b.Context(), store, codeNamed(name)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkRotateRefreshToken is the write of every refresh: one update each of grant and client, durable. Each caller
// has a line of its own.
func BenchmarkRotateRefreshToken(b *testing.B) {
	store := openBench(b)
	prepare(b, store, func(tx *session) error { return insertGrants(tx, parallelism*runtime.GOMAXPROCS(0)) })
	var lines atomic.Int64
	b.SetParallelism(parallelism)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		id := codeNamed(numbered("code", int(lines.Add(1)-1))).GrantID
		for generation := int64(1); pb.Next(); generation++ {
			if rotated, err := rotate(b.Context(), store, id, generation); err != nil || rotated.Repeated {
				b.Errorf("generation %d: repeated: %t, %v", generation, rotated.Repeated, err)
				return
			}
		}
	})
}

// BenchmarkBareGroupCommit is the limit for both: as many row writes as a redemption has and one more than a rotation,
// through the same writer, to tables without secondary indexes, without records and without rules.
func BenchmarkBareGroupCommit(b *testing.B) {
	store := openBench(b)
	prepare(b, store, func(tx *session) error {
		for _, statement := range []string{
			`CREATE TABLE old (id INTEGER NOT NULL PRIMARY KEY, used INTEGER NOT NULL, body BLOB) STRICT`,
			`CREATE TABLE new (id INTEGER NOT NULL PRIMARY KEY, body BLOB) STRICT`,
		} {
			if err := tx.run(statement); err != nil {
				return err
			}
		}
		for i := range b.N + 1 {
			if err := tx.run(`INSERT INTO old (id, used, body) VALUES (?, 0, ?)`, i, make([]byte, 200)); err != nil {
				return err
			}
		}
		return nil
	})
	var next atomic.Int64
	b.SetParallelism(parallelism)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := next.Add(1)
			err := store.write(b.Context(), "bare", func(tx *session) error {
				if err := tx.run(`UPDATE old SET used = 1 WHERE id = ? AND used = 0`, i); err != nil {
					return err
				}
				if err := tx.run(`INSERT INTO new (id, body) VALUES (?, ?)`, i, make([]byte, 200)); err != nil {
					return err
				}
				return tx.run(`UPDATE old SET used = used + 1 WHERE id = 0`)
			})
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkGrantLookup is the read behind a strict verification.
func BenchmarkGrantLookup(b *testing.B) {
	const grants = 10_000
	store := openBench(b)
	prepare(b, store, func(tx *session) error { return insertGrants(tx, grants) })
	var next atomic.Int64
	b.SetParallelism(parallelism)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := codeNamed(numbered("code", int(next.Add(7919)%grants))).GrantID
			if _, err := store.Grant(b.Context(), id); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkCreateClientAtLimit shows what a flood of registrations costs at their bound: one client goes for each that
// comes. In the worst case all clients but one are held by an approval.
func BenchmarkCreateClientAtLimit(b *testing.B) {
	const limit = 10_000
	for name, held := range map[string]int{"free": 0, "held": limit - 1} {
		b.Run(name, func(b *testing.B) {
			store := openBench(b)
			prepare(b, store, func(tx *session) error { return insertHeldClients(tx, limit, held) })
			client := storage.Client{Origin: storage.OriginDynamic, CreateTime: noon}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				client.ID = numbered("flood", i)
				if err := store.CreateClient(b.Context(), client, limit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// insertHeldClients stores clients that were never used, of which the first ones have an approved transaction.
func insertHeldClients(tx *session, n, held int) error {
	for i := range n {
		client := storage.Client{ID: numbered("client", i), Origin: storage.OriginDynamic, CreateTime: noon}
		if _, err := tx.insert(insertClient, append(clientFields(&client), client.Origin, 1<<30)...); err != nil {
			return err
		}
		if i >= held {
			continue
		}
		txn := storage.Transaction{
			ID: numbered("txn", i), HandleHash: hashOf(numbered("handle", i)), Status: storage.StatusApproved,
			ClientID: client.ID, CreateTime: noon, ExpireTime: noon.Add(time.Minute),
		}
		if _, err := tx.insert(insertTransaction, transactionFields(&txn)...); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkCreateTransactionAtLimit is the same for logins that are begun and left.
func BenchmarkCreateTransactionAtLimit(b *testing.B) {
	const limit = 10_000
	store := openBench(b)
	b.ReportAllocs()
	i := 0
	begin := func() error {
		i++
		return store.CreateTransaction(b.Context(), storage.Transaction{
			ID: numbered("txn", i), HandleHash: hashOf(numbered("handle", i)), ClientID: "client",
			CreateTime: noon, ExpireTime: noon.Add(time.Minute),
		}, limit)
	}
	for range limit {
		if err := begin(); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := begin(); err != nil {
			b.Fatal(err)
		}
	}
}
