package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/storagetest"
)

// The writer applies operations again when a neighbour has failed halfway. Nothing that a caller sees depends on it.
func TestStoreKeepsTheContractWhenOperationsAreRepeated(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		store, err := Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
		if err != nil {
			t.Fatal(err)
		}
		store.writer = repeatOperations(store.writer)
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		return store
	})
}

// repeatOperations returns what stands between callers and the writer and has it rehearse each operation.
func repeatOperations(w *writer) *writer {
	before := &writer{queue: make(chan *operation, maxBatch), closing: w.closing, stopped: w.stopped}
	go func() {
		for {
			select {
			case op := <-before.queue:
				op.apply = rehearsed(op.apply)
				select {
				case w.queue <- op:
				case <-w.closing:
					op.err = errClosed
					close(op.done)
				}
			case <-w.stopped:
				return
			}
		}
	}()
	return before
}

// rehearsed applies an operation after it has undone what it came to before: once in its place, and once behind a neighbour
// that did the same, after which it usually comes to something else.
func rehearsed(apply func(*session) error) func(*session) error {
	return func(s *session) error {
		if err := s.run("SAVEPOINT rehearsal"); err != nil {
			return err
		}
		_, _ = apply(s), apply(s)
		if err := s.run("ROLLBACK TO rehearsal"); err != nil {
			return err
		}
		if err := s.run("RELEASE rehearsal"); err != nil {
			return err
		}
		return apply(s)
	}
}
