package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// ErrNewerSchema means that a newer binary has already migrated the database. Running against it could break what the
// newer schema promises, so the store stays closed.
var ErrNewerSchema = errors.New("postgres: the database was written by a newer version of this program")

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Direction is where a migration leads.
type Direction int

// Directions of Migrate.
const (
	// Up applies every step that is missing.
	Up Direction = iota
	// Down undoes the newest step, with the data in it.
	Down
)

// migration is one step of the schema. Versions count from 1 without gaps.
type migration struct {
	version  int
	up, down string
}

// embedded returns the migrations of this binary in order.
func embedded() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.up.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	migrations := make([]migration, len(names))
	for i, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", name, i+1)
		}
		up, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		down, err := migrationFiles.ReadFile(strings.TrimSuffix(name, "up.sql") + "down.sql")
		if err != nil {
			return nil, err
		}
		migrations[i] = migration{version: version, up: string(up), down: string(down)}
	}
	return migrations, nil
}

// Migrate changes the schema of the database at a URL and returns the version that it then has, 0 without a schema. A
// database with a newer one is refused with ErrNewerSchema. Down is refused with transfer.ErrInUse while a server is seen
// there, as OpenForExport is: it would lose what it works with. Other errors wrap storage.ErrUnavailable. Only migrations need a
// role that may create tables: a store that finds its schema up to date leaves it alone.
func Migrate(ctx context.Context, url string, direction Direction) (version int, err error) {
	version, err = migrateURL(ctx, url, direction)
	if errors.Is(err, ErrNewerSchema) || errors.Is(err, transfer.ErrInUse) {
		return 0, err
	}
	return version, answer("migrate", err)
}

func migrateURL(ctx context.Context, url string, direction Direction) (version int, err error) {
	access, err := configure(url, settings{connections: 1})
	if err != nil {
		return 0, err
	}
	migrations, err := embedded()
	if err != nil {
		return 0, err
	}
	if direction == Down {
		if err := refuseServers(ctx, access.pool.ConnConfig); err != nil {
			return 0, err
		}
	}
	return migrate(ctx, access.pool.ConnConfig, migrations, direction)
}

// ensureSchema migrates up when the schema is older than this binary.
func ensureSchema(ctx context.Context, config *pgx.ConnConfig) error {
	migrations, err := embedded()
	if err != nil {
		return err
	}
	var version int
	err = connected(ctx, config, func(conn *pgx.Conn) (err error) {
		if encoding := conn.PgConn().ParameterStatus("server_encoding"); encoding != "UTF8" {
			return fmt.Errorf("the encoding of the database is %s: create one with UTF8", encoding)
		}
		version, err = schemaVersion(ctx, conn)
		return err
	})
	switch {
	case err == nil && version == len(migrations):
		return nil
	case err == nil, sqlState(err) == undefinedTable:
		_, err = migrate(ctx, config, migrations, Up)
		if sqlState(err) == insufficientRight {
			return fmt.Errorf("%w: let gatehouse store migrate do it, with a role that may", err)
		}
		return err
	case sqlState(err) == insufficientRight:
		return fmt.Errorf("%w: grant the role SELECT, INSERT, UPDATE, DELETE on all tables", err)
	default:
		return err
	}
}

// migrate moves the schema, in one transaction with its version: after a crash the steps are there or not.
func migrate(
	ctx context.Context, config *pgx.ConnConfig, migrations []migration, direction Direction,
) (version int, err error) {
	err = connected(ctx, config, func(conn *pgx.Conn) error {
		if err := prepareVersions(ctx, conn); err != nil {
			return err
		}
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: beginMigration}, func(tx pgx.Tx) error {
			found, err := lockSchema(ctx, tx)
			switch {
			case err != nil:
				return err
			case found > len(migrations):
				return fmt.Errorf("%w: its schema is version %d, this program knows up to %d: use the newer program, or gatehouse store migrate down with it",
					ErrNewerSchema, found, len(migrations))
			case direction == Up:
				version = len(migrations)
				return stepUp(ctx, tx, migrations[found:])
			case found > 0:
				version = found - 1
				return stepDown(ctx, tx, migrations[version])
			default:
				return nil
			}
		})
	})
	return version, err
}

// connected does something on a connection outside the pool.
func connected(ctx context.Context, config *pgx.ConnConfig, do func(*pgx.Conn) error) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is under way any more
	return do(conn)
}
