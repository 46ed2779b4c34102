package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

const (
	selectIntegrity = `SELECT integrity_check FROM pragma_integrity_check`

	selectDangling = `SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY "table", parent`

	hasSchemaVersion = `SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'`
)

// Check reads a whole database and returns what is wrong with it, one sentence each, and nothing when all is well. It
// changes nothing and may run beside a server. An error means that it could not look, and wraps storage.ErrUnavailable.
func Check(ctx context.Context, path string) (problems []string, err error) {
	pool, err := openExisting(path)
	if err != nil {
		return nil, answer("check "+path, err)
	}
	defer func() { _ = pool.Close() }()
	for _, look := range []func(context.Context, *sql.DB) ([]string, error){brokenPages, danglingRows, foreignSchema} {
		found, err := look(ctx, pool)
		if isDamaged(err) {
			return append(problems, "The file is damaged: "+err.Error()+"."), nil
		}
		if err != nil {
			return nil, answer("check "+path, err)
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

// openExisting opens a database without write access to it. Unlike the read pool of a store it may write elsewhere.
func openExisting(path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return openPool(existingURI(path), 1)
}

func brokenPages(ctx context.Context, pool *sql.DB) ([]string, error) {
	rows, err := pool.QueryContext(ctx, selectIntegrity)
	found, err := collect(rows, err, func(text *string) []any { return []any{text} })
	if err != nil || len(found) == 1 && found[0] == "ok" {
		return nil, err
	}
	return found, nil
}

// danglingRows finds rows that refer to rows that are not there. SQLite prevents them on our connections only.
func danglingRows(ctx context.Context, pool *sql.DB) ([]string, error) {
	type dangling struct {
		table, parent string
		count         int
	}
	rows, err := pool.QueryContext(ctx, selectDangling)
	found, err := collect(rows, err, func(d *dangling) []any { return []any{&d.table, &d.parent, &d.count} })
	var problems []string
	for _, d := range found {
		problems = append(problems, fmt.Sprintf("Rows of %s that refer to a missing row of %s: %d.", d.table, d.parent, d.count))
	}
	return problems, err
}

func foreignSchema(ctx context.Context, pool *sql.DB) ([]string, error) {
	return strangeSchema(func(field any, query string) error { return pool.QueryRowContext(ctx, query).Scan(field) })
}

// strangeSchema compares the schema with that of this program. read reads the one value of a query.
func strangeSchema(read func(field any, query string) error) ([]string, error) {
	migrations, err := embedded()
	if err != nil {
		return nil, err
	}
	var versioned bool
	if err := read(&versioned, hasSchemaVersion); err != nil {
		return nil, err
	}
	if !versioned {
		return []string{"The file has no schema version: it is not a database of this program."}, nil
	}
	var version int
	if err := read(&version, selectSchemaVersion); err != nil {
		return nil, err
	}
	switch {
	case version > len(migrations):
		return []string{fmt.Sprintf("The schema is version %d, this program knows up to %d: use the newer program.",
			version, len(migrations))}, nil
	case version < len(migrations):
		return []string{fmt.Sprintf("The schema is version %d of %d: the next start of the server brings it up to date.",
			version, len(migrations))}, nil
	}
	return nil, nil
}

// isDamaged reports whether SQLite could not make sense of the file.
func isDamaged(err error) bool {
	failure, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return false
	}
	primary := failure.Code() & 0xff
	return primary == codes.SQLITE_CORRUPT || primary == codes.SQLITE_NOTADB
}
