package sqlite

import (
	"context"
	"errors"
)

// maxBatch bounds how many operations share one commit, and so how long the first of them waits for the last.
const maxBatch = 256

// errClosed is the cause behind storage.ErrUnavailable after Close.
var errClosed = errors.New("the store is closed")

// operation is a caller's unit of work. The writer sets err and then releases done.
type operation struct {
	apply func(*session) error
	err   error
	done  chan struct{}
}

// writer is the goroutine that owns the only writing connection.
type writer struct {
	// queue has no buffer: an operation is either still with its caller, who may walk away with it, or in a batch.
	queue   chan *operation
	closing chan struct{}
	stopped chan struct{}
	connect func() (*session, error)
	session *session // nil until it is needed, and after a failed batch
}

// startWriter starts the goroutine. stop ends it.
func startWriter(connect func() (*session, error)) *writer {
	w := &writer{
		queue:   make(chan *operation),
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
// changed nothing.
func (w *writer) do(ctx context.Context, apply func(*session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	op := &operation{apply: apply, done: make(chan struct{})}
	select {
	case w.queue <- op:
		<-op.done
		return op.err
	case <-w.closing:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) run() {
	defer close(w.stopped)
	defer w.disconnect()
	batch := make([]*operation, 0, maxBatch)
	for {
		select {
		case first := <-w.queue:
			batch = w.collect(append(batch[:0], first))
			w.commit(batch)
		case <-w.closing:
			return
		}
	}
}

// collect adds the operations that are waiting right now.
func (w *writer) collect(batch []*operation) []*operation {
	for len(batch) < maxBatch {
		select {
		case op := <-w.queue:
			batch = append(batch, op)
		default:
			return batch
		}
	}
	return batch
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
func (w *writer) transact(batch []*operation) error {
	if w.session == nil {
		session, err := w.connect()
		if err != nil {
			return err
		}
		w.session = session
	}
	if err := w.session.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, op := range batch {
		var err error
		if op.err, err = isolate(w.session, op.apply); err != nil {
			return err
		}
	}
	return w.session.run("COMMIT")
}

// isolate applies one operation inside a savepoint and undoes it when it fails. fatal means that the transaction as a
// whole is lost: SQLite rolls back on its own after some failures, such as a full disk, and the savepoint is gone then.
func isolate(s *session, apply func(*session) error) (verdict, fatal error) {
	if err := s.run("SAVEPOINT operation"); err != nil {
		return nil, err
	}
	if verdict = apply(s); verdict != nil {
		if err := s.run("ROLLBACK TO operation"); err != nil {
			return nil, errors.Join(verdict, err)
		}
	}
	return verdict, s.run("RELEASE operation")
}

// disconnect drops the connection, and with it whatever a failed transaction left open.
func (w *writer) disconnect() {
	if w.session != nil {
		w.session.close()
		w.session = nil
	}
}
