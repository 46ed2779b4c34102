package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Store is a storage.Store in one SQLite file. It is safe for concurrent use, also by several processes on one machine.
type Store struct {
	writer    *writer
	reader    *reader
	closeOnce func() error
}

var _ storage.Store = (*Store)(nil)

// settings is what options change.
type settings struct {
	busyTimeout time.Duration
}

// Option changes how a store is opened.
type Option func(*settings)

// WithBusyTimeout sets how long a write waits for another process that is writing, before it fails with
// storage.ErrUnavailable. The default is 5 s.
func WithBusyTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.busyTimeout = timeout }
}

// Open opens the database at path, creates it with mode 0600 when it is missing, and brings its schema up to date. The
// directory must exist. A database with a newer schema is refused with ErrNewerSchema. Other errors wrap
// storage.ErrUnavailable.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	config := settings{busyTimeout: 5 * time.Second}
	for _, opt := range opts {
		opt(&config)
	}
	store, err := open(ctx, path, config)
	if errors.Is(err, ErrNewerSchema) {
		return nil, err
	}
	return store, answer("open "+path, err)
}

func open(ctx context.Context, path string, config settings) (*Store, error) {
	if err := ensureFile(path); err != nil {
		return nil, err
	}
	write := func() (*session, error) {
		return openSession(context.Background(), writeURI(path, config.busyTimeout))
	}
	if err := prepareFile(ctx, write, config.busyTimeout); err != nil {
		return nil, err
	}
	reader, err := openReader(ctx, readURI(path, config.busyTimeout), max(runtime.GOMAXPROCS(0), 4))
	if err != nil {
		return nil, err
	}
	store := &Store{writer: startWriter(write), reader: reader}
	store.closeOnce = sync.OnceValue(store.close)
	return store, nil
}

// turnStep is how long prepareFile waits before it tries again.
const turnStep = 10 * time.Millisecond

// prepareFile brings a file up to date. Whoever switches a new file to WAL reads it first, and SQLite lets nobody wait who
// holds such a lock: of two that open together one is refused at once, whatever its busy timeout. So that is waited for here.
func prepareFile(ctx context.Context, connect func() (*session, error), timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		err := upgradeFile(connect)
		if !isBusy(err) {
			return err
		}
		select {
		case <-time.After(turnStep):
		case <-ctx.Done():
			return err
		}
	}
}

func upgradeFile(connect func() (*session, error)) error {
	s, err := connect()
	if err != nil {
		return err
	}
	return errors.Join(upgrade(s), s.close())
}

// upgrade checks what the file system makes of our settings and migrates.
func upgrade(s *session) error {
	var mode string
	if err := s.row([]any{&mode}, "PRAGMA journal_mode"); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("journal mode is %q: the file system does not support WAL", mode)
	}
	migrations, err := embedded()
	if err != nil {
		return err
	}
	return migrate(s, migrations)
}

// Ping writes one row and reads it back through the pool.
func (s *Store) Ping(ctx context.Context) error {
	err := s.write(ctx, "ping", func(tx *session) error {
		return tx.run(`UPDATE heartbeat SET beats = beats + 1`)
	})
	if err != nil {
		return err
	}
	var beats int64
	return answer("ping", s.reader.row(ctx, []any{&beats}, `SELECT beats FROM heartbeat`))
}

// Close waits for the writes in hand and closes the file. Later calls return what the first returned.
func (s *Store) Close() error { return s.closeOnce() }

// close leaves the writer's connection for last. The last one moves the log into the file, which readers cannot.
func (s *Store) close() error {
	err := s.reader.close()
	s.writer.stop()
	return answer("close", err)
}

// write runs an operation through the writer. action names it in errors.
func (s *Store) write(ctx context.Context, action string, apply func(*session) error) error {
	return answer(action, s.writer.do(ctx, apply))
}
