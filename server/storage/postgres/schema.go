package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// The versions that were applied, and 0, whose row is the lock of those who migrate: replicas that start together take
// turns, and the second finds nothing to do. A row lock belongs to a transaction. An advisory lock of a session would not
// survive a pooler, and CockroachDB has none that locks.
const (
	createVersions = `CREATE TABLE IF NOT EXISTS schema_version (
		version    bigint      NOT NULL PRIMARY KEY,
		apply_time timestamptz NOT NULL DEFAULT now()
	)`

	insertLock = `INSERT INTO schema_version (version) VALUES (0) ON CONFLICT (version) DO NOTHING`

	selectVersion = `SELECT coalesce(max(version), 0) FROM schema_version`

	// A migration may take longer than a request, and waits for those who migrate before it.
	beginMigration = `begin isolation level read committed; set local statement_timeout = 0; set local lock_timeout = '5min'`
)

// prepareVersions makes the table of versions. When two make it at once, PostgreSQL tells one that the table, its type or
// its name exists, in spite of IF NOT EXISTS.
func prepareVersions(ctx context.Context, conn *pgx.Conn) error {
	exists := []string{duplicateTable, duplicateObject, uniqueViolation}
	_, err := conn.Exec(ctx, createVersions)
	if err != nil && !slices.Contains(exists, sqlState(err)) {
		return err
	}
	_, err = conn.Exec(ctx, insertLock)
	return err
}

// lockSchema keeps others from migrating until the end of the transaction, and returns the version.
func lockSchema(ctx context.Context, tx pgx.Tx) (int, error) {
	if _, err := tx.Exec(ctx, `SELECT version FROM schema_version WHERE version = 0 FOR UPDATE`); err != nil {
		return 0, err
	}
	return schemaVersion(ctx, tx)
}

// schemaVersion fails with undefinedTable on a database that was never migrated.
func schemaVersion(ctx context.Context, conn interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
},
) (version int, err error) {
	err = conn.QueryRow(ctx, selectVersion).Scan(&version)
	return version, err
}

// stepUp applies steps in order.
func stepUp(ctx context.Context, tx pgx.Tx, steps []migration) error {
	for _, step := range steps {
		if _, err := tx.Exec(ctx, step.up); err != nil {
			return fmt.Errorf("migration %d: %w", step.version, err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO schema_version (version) VALUES ($1)`, step.version); err != nil {
			return fmt.Errorf("migration %d: %w", step.version, err)
		}
	}
	return nil
}

// stepDown undoes one step.
func stepDown(ctx context.Context, tx pgx.Tx, step migration) error {
	if _, err := tx.Exec(ctx, step.down); err != nil {
		return fmt.Errorf("undoing migration %d: %w", step.version, err)
	}
	_, err := tx.Exec(ctx, `DELETE FROM schema_version WHERE version = $1`, step.version)
	return err
}
