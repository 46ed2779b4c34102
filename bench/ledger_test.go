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
const pragmas = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-16384)" +
	"&_pragma=journal_size_limit(67108864)&_pragma=wal_autocheckpoint(4096)"

// maxBatch is how many entries share a commit at most, as in the store.
const maxBatch = 256

// ledger is group commit with nothing around it: one goroutine owns the connection, and whoever waits shares the next
// transaction.
type ledger struct {
	queue         chan posting
	begin, commit func() error
}

// posting is an entry that somebody waits for.
type posting struct {
	enter func() error
	done  chan error
}

// post returns when an entry is on the disk.
func (l *ledger) post(enter func() error) error {
	p := posting{enter: enter, done: make(chan error)}
	l.queue <- p
	return <-p.done
}

// keep starts the goroutine, which begins and commits transactions. The benchmark ends it, and then closes what it used.
func keep(b *testing.B, begin, commit, end func() error) *ledger {
	b.Helper()
	l := &ledger{queue: make(chan posting, maxBatch), begin: begin, commit: commit}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.run()
	}()
	b.Cleanup(func() {
		close(l.queue)
		<-ended
		if err := end(); err != nil {
			b.Error(err)
		}
	})
	return l
}

// run serves until the queue is closed.
func (l *ledger) run() {
	for first := range l.queue {
		batch := []posting{first}
		for waiting := true; waiting && len(batch) < maxBatch; {
			select {
			case next := <-l.queue:
				batch = append(batch, next)
			default:
				waiting = false
			}
		}
		err := l.transact(batch)
		for _, p := range batch {
			p.done <- err
		}
	}
}

func (l *ledger) transact(batch []posting) error {
	if err := l.begin(); err != nil {
		return err
	}
	for _, p := range batch {
		if err := p.enter(); err != nil {
			return err
		}
	}
	return l.commit()
}

// plainRows are rows of 200 bytes in tables without indexes and without rules.
type plainRows struct {
	conn *sql.Conn
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

// refreshEntry changes a row, each time on another page.
func refreshEntry() []string {
	return []string{`UPDATE used SET times = times + 1 WHERE id = ?1 * 7919 % 100000`}
}

// openPlainRows returns what writes an entry, durably.
func openPlainRows(b *testing.B, entry []string) func(int) error {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "ledger.db")+pragmas)
	if err != nil {
		b.Fatal(err)
	}
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	rows := &plainRows{conn: conn}
	if err := rows.prepare(b.Context(), entry); err != nil {
		b.Fatal(err)
	}
	ledger := keep(b, func() error { return run(rows.begin) }, func() error { return run(rows.commit) },
		func() error { return errors.Join(rows.close(), conn.Close(), db.Close()) })
	return func(int) error { return ledger.post(rows.enter) }
}

func (r *plainRows) prepare(ctx context.Context, entry []string) (err error) {
	for _, statement := range []string{
		`CREATE TABLE used (id INTEGER NOT NULL PRIMARY KEY, times INTEGER NOT NULL, body BLOB) STRICT`,
		`CREATE TABLE made (id INTEGER NOT NULL PRIMARY KEY, body BLOB) STRICT`,
		`WITH RECURSIVE ids (id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM ids LIMIT 100000)
			INSERT INTO used SELECT id, 0, randomblob(200) FROM ids`,
	} {
		if _, err := r.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	for _, statement := range entry {
		prepared, err := r.conn.PrepareContext(ctx, statement) //nolint:sqlclosecheck // close does
		if err != nil {
			return err
		}
		r.entry = append(r.entry, prepared)
	}
	if r.begin, err = r.conn.PrepareContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	r.commit, err = r.conn.PrepareContext(ctx, `COMMIT`)
	return err
}

func (r *plainRows) close() error {
	err := errors.Join(r.begin.Close(), r.commit.Close())
	for _, statement := range r.entry {
		err = errors.Join(err, statement.Close())
	}
	return err
}

func (r *plainRows) enter() error {
	r.written++
	for _, statement := range r.entry {
		if err := run(statement, r.written); err != nil {
			return err
		}
	}
	return nil
}

func run(statement *sql.Stmt, args ...any) error {
	_, err := statement.ExecContext(context.Background(), args...)
	return err
}
