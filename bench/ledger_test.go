package bench

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"
)

// pragmas are those of the store: a power cut loses nothing that was committed.
const pragmas = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-16384)&_pragma=journal_size_limit(67108864)"

// maxBatch is how many entries share a commit at most, as in the store.
const maxBatch = 256

// ledger is group commit with nothing around it: one goroutine owns the connection, and whoever waits shares the next
// transaction. An entry writes rows of 200 bytes to tables without indexes and without rules.
type ledger struct {
	conn  *sql.Conn
	queue chan chan error
	// begin and commit stand around a transaction, entry is the statements between.
	begin, commit *sql.Stmt
	entry         []*sql.Stmt
	written       int
}

// exchangeEntry writes the rows of a code exchange: two updates and two inserts.
func exchangeEntry() []string {
	return []string{
		`UPDATE used SET times = 1 WHERE id = ?1 AND times = 0`,
		`INSERT INTO made (id, body) VALUES (2 * ?1, randomblob(200))`,
		`INSERT INTO made (id, body) VALUES (2 * ?1 + 1, randomblob(200))`,
		`UPDATE used SET times = times + min(?1, 1) WHERE id = 0`,
	}
}

// refreshEntry changes the row of one of 64 grants.
func refreshEntry() []string { return []string{`UPDATE used SET times = times + 1 WHERE id = ?1 % 64`} }

func openLedger(b *testing.B, entry []string) *ledger {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "ledger.db")+pragmas)
	if err != nil {
		b.Fatal(err)
	}
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	l := &ledger{conn: conn, queue: make(chan chan error)}
	if err := l.prepare(b.Context(), entry); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.run() }()
	b.Cleanup(func() {
		close(l.queue)
		if err := errors.Join(<-ended, conn.Close(), db.Close()); err != nil {
			b.Error(err)
		}
	})
	return l
}

func (l *ledger) prepare(ctx context.Context, entry []string) (err error) {
	for _, statement := range []string{
		`CREATE TABLE used (id INTEGER NOT NULL PRIMARY KEY, times INTEGER NOT NULL, body BLOB) STRICT`,
		`CREATE TABLE made (id INTEGER NOT NULL PRIMARY KEY, body BLOB) STRICT`,
		`WITH RECURSIVE ids (id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM ids LIMIT 100000)
			INSERT INTO used SELECT id, 0, randomblob(200) FROM ids`,
	} {
		if _, err := l.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	for _, statement := range entry {
		prepared, err := l.conn.PrepareContext(ctx, statement) //nolint:sqlclosecheck // run closes it
		if err != nil {
			return err
		}
		l.entry = append(l.entry, prepared)
	}
	if l.begin, err = l.conn.PrepareContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	l.commit, err = l.conn.PrepareContext(ctx, `COMMIT`)
	return err
}

// write returns when an entry is on the disk.
func (l *ledger) write(int) error {
	done := make(chan error)
	l.queue <- done
	return <-done
}

// run serves until the queue is closed, and closes what prepare opened.
func (l *ledger) run() error {
	for first := range l.queue {
		batch := []chan error{first}
		for waiting := true; waiting && len(batch) < maxBatch; {
			select {
			case next := <-l.queue:
				batch = append(batch, next)
			default:
				waiting = false
			}
		}
		err := l.transact(len(batch))
		for _, done := range batch {
			done <- err
		}
	}
	err := errors.Join(l.begin.Close(), l.commit.Close())
	for _, statement := range l.entry {
		err = errors.Join(err, statement.Close())
	}
	return err
}

func (l *ledger) transact(entries int) error {
	ctx := context.Background()
	if _, err := l.begin.ExecContext(ctx); err != nil {
		return err
	}
	for range entries {
		l.written++
		for _, statement := range l.entry {
			if _, err := statement.ExecContext(ctx, l.written); err != nil {
				return err
			}
		}
	}
	_, err := l.commit.ExecContext(ctx)
	return err
}
