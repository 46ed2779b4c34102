package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

const (
	// transferName tells a transfer from the servers among the sessions of a database.
	transferName = "gatehouse transfer"

	selectServers = `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'gatehouse' AND pid <> pg_backend_pid()`

	// looks is how often servers are looked for: one that has just stopped is still on the list for a moment.
	looks        = 10
	betweenLooks = `SELECT pg_sleep(0.1)`

	// A transaction of a transfer is long, and nobody waits for it.
	unbounded = "; set local statement_timeout = 0; set local lock_timeout = '5min'"

	selectSize = `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
		WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace`
)

// Transfer reads and writes whole tables of a database that no server uses. It is for one goroutine.
type Transfer struct {
	conn  *pgx.Conn
	begin string
}

var _ transfer.Target = (*Transfer)(nil)

// OpenForExport connects to a database of this program's schema and changes nothing in it. It fails with
// transfer.ErrInUse when it sees a server there. A server behind a pooler, or one that its URL gives another
// application_name, it does not see.
func OpenForExport(ctx context.Context, url string) (*Transfer, error) {
	return openTransfer(ctx, url, requireSchema)
}

// OpenForImport connects to a database and brings its schema up to date. It fails with transfer.ErrInUse as
// OpenForExport does, and with ErrNewerSchema as Open does.
func OpenForImport(ctx context.Context, url string) (*Transfer, error) {
	return openTransfer(ctx, url, ensureSchema)
}

func openTransfer(
	ctx context.Context, url string, prepare func(context.Context, *pgx.ConnConfig) error,
) (*Transfer, error) {
	access, err := configure(url, settings{connections: 1})
	if err != nil {
		return nil, answer("open", err)
	}
	config := access.pool.ConnConfig
	if !access.pooled {
		config.RuntimeParams["application_name"] = transferName
	}
	if err := refuseServers(ctx, config); err != nil {
		return nil, err
	}
	err = prepare(ctx, config)
	if errors.Is(err, ErrNewerSchema) {
		return nil, err
	}
	if err != nil {
		return nil, answer("open", err)
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, answer("open", err)
	}
	registerColumns(conn.TypeMap())
	return &Transfer{conn, access.begin + unbounded}, nil
}

// refuseServers looks for servers that are connected. It looks before anything is migrated.
func refuseServers(ctx context.Context, config *pgx.ConnConfig) error {
	var servers int
	err := connected(ctx, config, func(conn *pgx.Conn) error {
		for look := range looks {
			if look > 0 {
				if _, err := conn.Exec(ctx, betweenLooks); err != nil {
					return err
				}
			}
			if err := conn.QueryRow(ctx, selectServers).Scan(&servers); err != nil || servers == 0 {
				return err
			}
		}
		return nil
	})
	if err == nil && servers > 0 {
		return fmt.Errorf("postgres: database %s: %w", config.Database, transfer.ErrInUse)
	}
	return answer("look for servers", err)
}

// requireSchema refuses a database that is not of just this version.
func requireSchema(ctx context.Context, config *pgx.ConnConfig) error {
	migrations, err := embedded()
	if err != nil {
		return err
	}
	var version int
	err = connected(ctx, config, func(conn *pgx.Conn) (err error) {
		version, err = schemaVersion(ctx, conn)
		return err
	})
	switch {
	case sqlState(err) == undefinedTable:
		return errors.New("the database has no schema version: it is not one of this program")
	case err != nil:
		return err
	case version > len(migrations):
		return fmt.Errorf("%w: its schema is version %d, this program knows up to %d: use the newer program",
			ErrNewerSchema, version, len(migrations))
	case version < len(migrations):
		return fmt.Errorf("the schema is version %d of %d: the next start of the server brings it up to date",
			version, len(migrations))
	}
	return nil
}

// Close closes the connection.
func (t *Transfer) Close() error { return answer("close", t.conn.Close(context.Background())) }

// Size returns the bytes of all tables with their indexes.
func (t *Transfer) Size(ctx context.Context) (size int64, err error) {
	err = t.transact(ctx, "measure", func(tx pgx.Tx) error { return tx.QueryRow(ctx, selectSize).Scan(&size) })
	return size, err
}

// transact runs statements in one transaction.
func (t *Transfer) transact(ctx context.Context, action string, apply func(pgx.Tx) error) error {
	return answer(action, pgx.BeginTxFunc(ctx, t.conn, pgx.TxOptions{BeginQuery: t.begin}, apply))
}
