package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Store is a storage.Store in a PostgreSQL database. It is safe for concurrent use, also by several processes on several
// machines.
type Store struct {
	access   access
	pool     *pgxpool.Pool
	settings settings
	retry    retry
}

var _ storage.Store = (*Store)(nil)

// settings is what options change.
type settings struct {
	connections      int32
	acquireTimeout   time.Duration
	operationTimeout time.Duration
}

// Option changes how a store is opened.
type Option func(*settings)

// WithConnections sets how many connections a store holds at most; pool_max_conns in the URL wins. The default is 10:
// more than a few for each core of the server make it slower.
func WithConnections(count int32) Option { return func(s *settings) { s.connections = max(count, 1) } }

// WithAcquireTimeout sets how long an operation waits for a free connection, and for a new one to be made, before it
// fails with storage.ErrUnavailable. The default is 3 s.
func WithAcquireTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.acquireTimeout = timeout }
}

// WithOperationTimeout sets how long an operation may take once it has a connection. It is for a server that has fallen
// silent: one that is slow ends a statement itself, by statement_timeout and lock_timeout. The default is 8 s.
func WithOperationTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.operationTimeout = timeout }
}

// Open connects to the database at a URL (or in the form of a libpq connection string) and brings its schema up to date.
// A database with a newer schema is refused with ErrNewerSchema. Other errors wrap storage.ErrUnavailable. None shows
// the password.
func Open(ctx context.Context, url string, opts ...Option) (*Store, error) {
	options := settings{connections: 10, acquireTimeout: 3 * time.Second, operationTimeout: 8 * time.Second}
	for _, opt := range opts {
		opt(&options)
	}
	store, err := open(ctx, url, options)
	if errors.Is(err, ErrNewerSchema) {
		return nil, err
	}
	return store, answer("open", err)
}

func open(ctx context.Context, url string, options settings) (*Store, error) {
	access, err := configure(url, options)
	if err != nil {
		return nil, err
	}
	if err := ensureSchema(ctx, access.pool.ConnConfig); err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, access.pool)
	if err != nil {
		return nil, err
	}
	return &Store{access: access, pool: pool, settings: options, retry: retry{pause: pause}}, nil
}

// Ping writes one row.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, "ping", func(tx *session) error {
		_, err := tx.change(`UPDATE heartbeat SET beats = beats + 1 WHERE id = 1`)
		return err
	})
}

// Close waits for the operations in hand and closes the connections.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}
