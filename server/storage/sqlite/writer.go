package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// maxBatch bounds how many operations share one commit, and so how long the first of them waits for the last.
const maxBatch = 256

// errClosed is the cause behind storage.ErrUnavailable after Close.
var errClosed = errors.New("the store is closed")

// operation is a caller's unit of work. The writer sets err and then releases done. It may apply an operation again after
// it has undone it, so that what an operation leaves outside of the database must not depend on that.
type operation struct {
	apply func(*session) error
	err   error
	// panicked is what it panicked with, empty when it did not.
	panicked string
	// taken is set by the writer, who then applies it, or by its caller, who then walks away.
	taken atomic.Bool
	done  chan struct{}
}

// take reports whether the operation is now with whoever calls first.
func (op *operation) take() bool { return op.taken.CompareAndSwap(false, true) }

// perform applies the operation. A panic is kept for the caller: on the goroutine of the writer it would end the process.
func (op *operation) perform(s *session) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			op.panicked = fmt.Sprintf("%v\n\nin an operation of the writer:\n%s", cause, debug.Stack())
			err = errPanicked
		}
	}()
	return op.apply(s)
}

// writer is the goroutine that owns the only writing connection.
type writer struct {
	// queue has room, so that a caller goes to sleep once and not twice: until it is in a batch, and until that is committed.
	queue   chan *operation
	closing chan struct{}
	stopped chan struct{}
	connect func() (*session, error)
	session *session // nil until it is needed, and after a failed batch
}

// startWriter starts the goroutine. stop ends it.
func startWriter(connect func() (*session, error)) *writer {
	w := &writer{
		queue:   make(chan *operation, maxBatch),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
		connect: connect,
	}
	go w.run()
	return w
}

// stop waits for the batch in hand and closes the connection. Call it once.
func (w *writer) stop() {
	close(w.closing)
	<-w.stopped
}

// do applies an operation and returns its own error once its batch is committed. An operation that returns an error has
// changed nothing. One that panics panics here, and its neighbours are told of an outage.
func (w *writer) do(ctx context.Context, apply func(*session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	op := &operation{apply: apply, done: make(chan struct{})}
	select {
	case w.queue <- op:
	case <-w.closing:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := w.await(ctx, op); err != nil {
		return err
	}
	if op.panicked != "" {
		panic(op.panicked)
	}
	return op.err
}

// await returns when an operation is done, or with the reason why it never will be: its caller leaves, or the store
// closes, before the writer has taken it.
func (w *writer) await(ctx context.Context, op *operation) error {
	var reason error
	select {
	case <-op.done:
		return nil
	case <-ctx.Done():
		reason = ctx.Err()
	case <-w.closing:
		reason = errClosed
	}
	if op.take() {
		return reason
	}
	<-op.done
	return nil
}

func (w *writer) run() {
	defer close(w.stopped)
	defer w.disconnect()
	batch := make([]*operation, 0, maxBatch)
	for {
		select {
		case first := <-w.queue:
			runtime.Gosched() // whoever is about to write may join, and if nobody is, this is no wait
			if batch = w.collect(batch[:0], first); len(batch) > 0 {
				w.commit(batch)
			}
		case <-w.closing:
			return
		}
	}
}

// collect takes the operations that are waiting right now, next before all others.
func (w *writer) collect(batch []*operation, next *operation) []*operation {
	for {
		if next.take() {
			batch = append(batch, next)
		}
		if len(batch) == maxBatch {
			return batch
		}
		select {
		case next = <-w.queue:
		default:
			return batch
		}
	}
}

// commit applies a batch and then tells the callers.
func (w *writer) commit(batch []*operation) {
	failure := w.transact(batch)
	if failure != nil {
		w.disconnect()
	}
	for i, op := range batch {
		if failure != nil {
			op.err = failure
		}
		close(op.done)
		batch[i] = nil // the operation holds its caller's records
	}
}

// transact applies a batch in one transaction. Its error is the fate of every operation in it.
//
// A savepoint around each operation would have SQLite copy every page that the operation changes. Nearly all operations
// succeed or, refused by their guard, change nothing, so there are savepoints only when one has failed halfway: then the
// whole batch is undone and applied once more. No caller has heard anything by then.
func (w *writer) transact(batch []*operation) error {
	if w.session == nil {
		session, err := w.connect()
		if err != nil {
			return err
		}
		w.session = session
	}
	err := w.attempt(batch, apply)
	if errors.Is(err, errHalfway) {
		if err = w.session.run("ROLLBACK"); err == nil {
			err = w.attempt(batch, isolate)
		}
	}
	if err != nil {
		return err
	}
	return w.session.run("COMMIT")
}

// attempt applies a batch in a transaction that it leaves open.
func (w *writer) attempt(batch []*operation, apply func(*session, *operation) error) error {
	if err := w.session.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	w.session.lost = false
	for _, op := range batch {
		if err := apply(w.session, op); err != nil {
			return err
		}
	}
	return nil
}

var (
	// errHalfway means that an operation failed after it had changed something.
	errHalfway = errors.New("an operation failed halfway")
	// errLost means that SQLite rolled back a transaction by itself, as it does after some failures, such as a full disk.
	errLost = errors.New("the transaction was rolled back")
	// errPanicked means that an operation panicked, which leaves the connection in a state that nobody knows.
	errPanicked = errors.New("an operation of the same batch panicked")
)

// apply applies an operation that is expected to succeed or to change nothing.
func apply(s *session, op *operation) error {
	s.changed = false
	op.err = op.perform(s)
	switch {
	case op.panicked != "":
		return errPanicked
	case s.lost:
		return becauseOf(errLost, op.err)
	case op.err != nil && s.changed:
		return errHalfway
	}
	return nil
}

// isolate applies an operation inside a savepoint and undoes it when it fails.
func isolate(s *session, op *operation) error {
	if err := s.run("SAVEPOINT operation"); err != nil {
		return err
	}
	op.err = op.perform(s)
	if op.panicked != "" {
		return errPanicked
	}
	if op.err != nil {
		if err := s.run("ROLLBACK TO operation"); err != nil {
			return becauseOf(err, op.err)
		}
	}
	return s.run("RELEASE operation")
}

// becauseOf returns the failure of a batch with the text of what an operation made of it. Not with its error: that may be
// a verdict, or become one, and the whole batch would be told that it is refused.
func becauseOf(failure, told error) error {
	if told == nil {
		return failure
	}
	return fmt.Errorf("%w: %s", failure, told.Error())
}

// disconnect drops the connection, and with it whatever a failed transaction left open.
func (w *writer) disconnect() {
	if w.session != nil {
		_ = w.session.close() // its state may be unknown
		w.session = nil
	}
}
