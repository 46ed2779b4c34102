package sqlite

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// ErrNewerSchema means that a newer binary has already migrated the database. Running against it could break what the
// newer schema promises, so the store stays closed.
var ErrNewerSchema = errors.New("sqlite: the database was written by a newer version of this program")

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema. Versions count from 1 without gaps.
type migration struct {
	version   int
	statement string
}

// embedded returns the migrations of this binary in order.
func embedded() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted by name
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
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		migrations[i] = migration{version: version, statement: string(text)}
	}
	return migrations, nil
}

// migrate applies what is missing, each step in a transaction together with its version number: after a crash a step is
// there as a whole or not at all. Processes that start together take turns, since the version is read under the write
// lock.
func migrate(s *session, migrations []migration) error {
	err := s.run(`CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY) STRICT`)
	if err != nil {
		return err
	}
	for _, step := range migrations {
		if err := applyStep(s, step); err != nil {
			return fmt.Errorf("migration %d: %w", step.version, err)
		}
	}
	version, err := schemaVersion(s)
	if err == nil && version > len(migrations) {
		return fmt.Errorf("%w: its schema is version %d, this program knows up to %d: use the newer program, or restore a backup of before",
			ErrNewerSchema, version, len(migrations))
	}
	return err
}

// applyStep leaves the transaction open when it fails; the caller closes the connection then.
func applyStep(s *session, step migration) error {
	if err := s.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	version, err := schemaVersion(s)
	if err != nil {
		return err
	}
	if version < step.version {
		if err := s.run(step.statement); err != nil {
			return err
		}
		if err := s.run(`INSERT INTO schema_version (version) VALUES (?)`, step.version); err != nil {
			return err
		}
	}
	return s.run("COMMIT")
}

const selectSchemaVersion = `SELECT coalesce(max(version), 0) FROM schema_version`

func schemaVersion(s *session) (version int, err error) {
	err = s.row([]any{&version}, selectSchemaVersion)
	return version, err
}
