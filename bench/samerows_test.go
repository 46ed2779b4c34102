package bench

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// sameRows writes what Gatehouse writes for an exchange or a refresh, in a database of the core with its indexes and
// foreign keys, and does nothing else: neither reads first, nor checks, nor signs. Nobody else writes there.
type sameRows interface {
	// issue copies a code under other hashes, with grants to be.
	issue(model []byte, codes [][]byte) error
	// exchange redeems a code, durably.
	exchange(code []byte) error
	// refresh rotates the refresh token of one of the grants, durably.
	refresh(grant int) error
}

// limit is group commit or a pool of connections, used by the callers of a benchmark.
type limit struct {
	sameRows
	model []byte   // hash of the code that is copied
	codes [][]byte // hashes of those of a turn
}

// openLimit has a core make the schema, a code, and the grants that are refreshed.
func openLimit(b *testing.B, s store) *limit {
	b.Helper()
	s, data := s.another(b), b.TempDir()
	core, _ := openCoreIn(b, s, data)
	openLines(b, core)
	code, err := register(b, core).authorize(b.Context(), passThrough)
	if err != nil {
		b.Fatal(err)
	}
	l := &limit{model: secret.NewText(code).Hash().Bytes(), codes: make([][]byte, exchanges)}
	if s.server != nil {
		l.sameRows = openPostgresRows(b, s.url)
	} else {
		l.sameRows = openSQLiteRows(b, data)
	}
	return l
}

// turn makes codes, which takes none of the time, and redeems them.
func (l *limit) turn(exchange side) side {
	return func(b *testing.B) float64 {
		b.Helper()
		for i := range l.codes {
			l.codes[i] = randomHash()
		}
		if err := l.issue(l.model, l.codes); err != nil {
			b.Fatal(err)
		}
		return exchange(b)
	}
}

// marks is when the client of each grant was marked as used. Gatehouse has read that, too, when it writes.
type marks [refreshed]time.Time

// due reports whether a mark has to be written with a refresh, and takes it for written.
func (m *marks) due(grant int) bool {
	if time.Since(m[grant]) < time.Minute {
		return false
	}
	m[grant] = time.Now()
	return true
}

func randomHash() []byte {
	hash := make([]byte, 32)
	_, _ = rand.Read(hash) // never fails
	return hash
}
