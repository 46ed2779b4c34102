package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	driver "modernc.org/sqlite"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// bench is a store with a table of ids and a gate that holds the writer back.
type bench struct {
	*Store
	t       *testing.T
	commits int
	refuse  bool // whether commits fail
}

func newBench(t *testing.T) *bench {
	t.Helper()
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "bench.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	b := &bench{Store: store, t: t}
	err = b.write(t.Context(), "prepare", func(tx *session) error {
		return tx.run(`CREATE TABLE marks (id INTEGER NOT NULL PRIMARY KEY) STRICT`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// watch counts the commits after its own, and lets them fail. It runs inside an operation, since the connection is the
// writer's.
func (b *bench) watch(tx *session) error {
	own := true
	tx.conn.(driver.HookRegisterer).RegisterCommitHook(func() int32 {
		if own {
			own = false
			return 0
		}
		b.commits++
		if b.refuse {
			return 1
		}
		return 0
	})
	return nil
}

// hold occupies the writer until release is called. The batch that follows is what has been waiting by then.
func (b *bench) hold() (release func()) {
	gate := make(chan struct{})
	go func() {
		_ = b.write(b.t.Context(), "hold", func(tx *session) error {
			<-gate
			return b.watch(tx)
		})
	}()
	synctest.Wait()
	return func() {
		close(gate)
		synctest.Wait()
	}
}

// mark starts an operation that inserts an id, and returns where its error will arrive.
func (b *bench) mark(ctx context.Context, id int) <-chan error {
	told := make(chan error, 1)
	go func() {
		told <- b.write(ctx, "mark", func(tx *session) error {
			return tx.run(`INSERT INTO marks (id) VALUES (?)`, id)
		})
	}()
	synctest.Wait()
	return told
}

func (b *bench) marks() []int {
	b.t.Helper()
	rows, err := b.reader.pool.QueryContext(b.t.Context(), `SELECT id FROM marks ORDER BY id`)
	ids, err := collect(rows, err, func(id *int) []any { return []any{id} })
	if err != nil {
		b.t.Fatal(err)
	}
	return ids
}

func (b *bench) wantMarks(want ...int) {
	b.t.Helper()
	if got := b.marks(); !slices.Equal(got, want) {
		b.t.Errorf("stored marks are %v, want %v", got, want)
	}
}

func TestWaitingOperationsShareCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		release := b.hold()
		const waiting = maxBatch + 44
		var told []<-chan error
		for id := range waiting {
			told = append(told, b.mark(t.Context(), id))
		}
		release()
		for _, answer := range told {
			if err := <-answer; err != nil {
				t.Error(err)
			}
		}
		if len(b.marks()) != waiting {
			t.Errorf("%d rows are stored, want %d", len(b.marks()), waiting)
		}
		if b.commits != 2 {
			t.Errorf("%d operations took %d commits, want a full batch and a rest", waiting, b.commits)
		}
	})
}

func TestFailingOperationLeavesItsNeighboursAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		release := b.hold()
		before := b.mark(t.Context(), 1)
		half := make(chan error, 1)
		go func() {
			half <- b.write(t.Context(), "half", func(tx *session) error {
				if err := tx.run(`INSERT INTO marks (id) VALUES (2)`); err != nil {
					return err
				}
				return storage.ErrUsed
			})
		}()
		synctest.Wait()
		taken, after := b.mark(t.Context(), 1), b.mark(t.Context(), 3)
		release()
		for i, want := range []error{nil, storage.ErrUsed, storage.ErrExists, nil} {
			if err := <-[]<-chan error{before, half, taken, after}[i]; !errors.Is(err, want) {
				t.Errorf("operation %d was told %v, want %v", i, err, want)
			}
		}
		if b.commits != 1 {
			t.Errorf("%d commits, want one batch", b.commits)
		}
		b.wantMarks(1, 3)
	})
}

// Not every change is one of rows.
func TestFailingOperationLeavesNoTableBehind(t *testing.T) {
	b := newBench(t)
	err := b.write(t.Context(), "half", func(tx *session) error {
		if err := tx.run(`CREATE TABLE half (id INTEGER NOT NULL PRIMARY KEY) STRICT`); err != nil {
			return err
		}
		return storage.ErrUsed
	})
	if !errors.Is(err, storage.ErrUsed) {
		t.Errorf("told %v, want %v", err, storage.ErrUsed)
	}
	var tables int
	err = b.reader.row(t.Context(), []any{&tables}, `SELECT count(*) FROM sqlite_schema WHERE name = 'half'`)
	if err != nil || tables != 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
}

func TestFailedCommitIsAnOutageForTheWholeBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		release := b.hold()
		b.refuse = true
		// The refusal of the second rests on the first, which will not have happened.
		first, second := b.mark(t.Context(), 1), b.mark(t.Context(), 1)
		release()
		for _, told := range []<-chan error{first, second} {
			if err := <-told; !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, storage.ErrExists) {
				t.Errorf("told %v, want an outage", err)
			}
		}
		b.wantMarks()
		if err := <-b.mark(t.Context(), 1); err != nil {
			t.Errorf("the next write was told %v, want it to succeed on a new connection", err)
		}
		b.wantMarks(1)
	})
}

// Of a batch without a failure that has left something behind, nothing is applied twice.
func TestRefusalThatChangedNothingRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		if err := <-b.mark(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		release := b.hold()
		applied := 0
		refused := make(chan error, 1)
		go func() {
			refused <- b.write(t.Context(), "refused", func(tx *session) error {
				applied++
				for _, nothing := range []string{
					`UPDATE marks SET id = 5 WHERE id = 4`,
					`DELETE FROM marks WHERE id = 4 RETURNING id`,
				} {
					if _, err := tx.texts(nothing); err != nil {
						return err
					}
				}
				return refusal(tx, `SELECT id FROM marks WHERE id = 1`)
			})
		}()
		synctest.Wait()
		taken, after := b.mark(t.Context(), 1), b.mark(t.Context(), 2)
		release()
		for i, want := range []error{storage.ErrUsed, storage.ErrExists, nil} {
			if err := <-[]<-chan error{refused, taken, after}[i]; !errors.Is(err, want) {
				t.Errorf("operation %d was told %v, want %v", i, err, want)
			}
		}
		if applied != 1 {
			t.Errorf("the refused operation was applied %d times", applied)
		}
		b.wantMarks(1, 2)
	})
}

// SQLite ends the transaction by itself after some errors, such as a full disk. What follows in the batch must then not
// be written outside of any transaction, whatever the operation makes of the error.
func TestLostTransactionIsAnOutageForTheWholeBatch(t *testing.T) {
	for name, become := range becoming() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				defer b.Close()
				release := b.hold()
				before := b.mark(t.Context(), 1)
				lost := make(chan error, 1)
				go func() {
					lost <- b.write(t.Context(), "lose", func(tx *session) error {
						return become(tx.run(`INSERT OR ROLLBACK INTO marks (id) VALUES (1)`))
					})
				}()
				synctest.Wait()
				after := b.mark(t.Context(), 2)
				release()
				for _, told := range []<-chan error{before, lost, after} {
					wantOutage(t, <-told)
				}
				b.wantMarks()
				if err := <-b.mark(t.Context(), 3); err != nil {
					t.Errorf("the next write was told %v", err)
				}
				b.wantMarks(3)
			})
		})
	}
}

// becoming is what an operation can make of the failure that its transaction was lost with.
func becoming() map[string]func(error) error {
	return map[string]func(error) error{
		"told":       func(err error) error { return err }, // it looks like a key that is taken
		"refused":    func(error) error { return storage.ErrUsed },
		"missed":     func(error) error { return sql.ErrNoRows },
		"overlooked": func(error) error { return nil },
	}
}

// The same when operations are applied inside of savepoints, since one before has failed halfway.
func TestTransactionLostAmongSavepointsIsAnOutage(t *testing.T) {
	for name, become := range becoming() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				defer b.Close()
				release := b.hold()
				told := make(chan error, 2)
				for _, last := range []string{`INSERT INTO marks (id) VALUES (1)`, `INSERT OR ROLLBACK INTO marks (id) VALUES (2)`} {
					go func() {
						told <- b.write(t.Context(), "half", func(tx *session) error {
							if err := tx.run(`INSERT INTO marks (id) VALUES (2)`); err != nil {
								return err
							}
							if err := tx.run(last); err != nil {
								return become(err)
							}
							return storage.ErrUsed
						})
					}()
					synctest.Wait()
				}
				after := b.mark(t.Context(), 3)
				release()
				for _, told := range []<-chan error{told, told, after} {
					wantOutage(t, <-told)
				}
				b.wantMarks()
			})
		})
	}
}

func TestCallerWhoLeavesBeforeTheStartIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		release := b.hold()
		ctx, leave := context.WithCancel(t.Context())
		left, stayed := b.mark(ctx, 1), b.mark(t.Context(), 2)
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) || !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("told %v, want an outage that names the reason", err)
		}
		release()
		if err := <-stayed; err != nil {
			t.Error(err)
		}
		b.wantMarks(2)
	})
}

func TestCallerWhoLeavesAfterTheStartHearsTheOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		ctx, leave := context.WithCancel(t.Context())
		gate, told := make(chan struct{}), make(chan error, 1)
		go func() {
			told <- b.write(ctx, "slow", func(tx *session) error {
				<-gate
				return tx.run(`INSERT INTO marks (id) VALUES (1)`)
			})
		}()
		synctest.Wait()
		leave()
		synctest.Wait()
		select {
		case err := <-told:
			t.Fatalf("the caller was told %v while its operation was running", err)
		default:
		}
		close(gate)
		if err := <-told; err != nil {
			t.Errorf("told %v, want the outcome", err)
		}
		b.wantMarks(1)
	})
}

func TestCloseWaitsForTheBatchInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		gate, told, closed := make(chan struct{}), make(chan error, 1), make(chan error, 1)
		go func() {
			told <- b.write(t.Context(), "slow", func(tx *session) error {
				<-gate
				return tx.run(`INSERT INTO marks (id) VALUES (1)`)
			})
		}()
		synctest.Wait()
		waiting := b.mark(t.Context(), 2)
		go func() { closed <- b.Close() }()
		synctest.Wait()
		if err := <-waiting; !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("a waiting caller was told %v, want an outage", err)
		}
		select {
		case err := <-closed:
			t.Fatalf("closed with %v while an operation was running", err)
		default:
		}
		close(gate)
		if err := errors.Join(<-told, <-closed); err != nil {
			t.Error(err)
		}
	})
}

// Whoever called has somebody to recover a panic, and the writer has nobody: it would take the process along.
func TestPanicIsTheCallersOwn(t *testing.T) {
	for name, neighbour := range map[string]error{"alone": nil, "among savepoints": storage.ErrUsed} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				defer b.Close()
				release := b.hold()
				before, panicked := make(chan error, 1), make(chan any, 1)
				go func() {
					before <- b.write(t.Context(), "before", func(tx *session) error {
						return errors.Join(tx.run(`INSERT INTO marks (id) VALUES (1)`), neighbour)
					})
				}()
				synctest.Wait()
				go func() {
					defer func() { panicked <- recover() }()
					_ = b.write(t.Context(), "panic", func(tx *session) error {
						if err := tx.run(`INSERT INTO marks (id) VALUES (2)`); err != nil {
							return err
						}
						panic("on purpose")
					})
				}()
				synctest.Wait()
				after := b.mark(t.Context(), 3)
				release()
				if cause, ok := (<-panicked).(string); !ok || !strings.HasPrefix(cause, "on purpose") {
					t.Errorf("the caller recovered %q", cause)
				}
				for _, told := range []<-chan error{before, after} {
					if err := <-told; !errors.Is(err, storage.ErrUnavailable) {
						t.Errorf("a neighbour was told %v, want an outage", err)
					}
				}
				b.wantMarks()
				if err := <-b.mark(t.Context(), 4); err != nil {
					t.Errorf("the next write was told %v, want it to succeed on a new connection", err)
				}
				b.wantMarks(4)
			})
		})
	}
}
