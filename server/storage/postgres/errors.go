package postgres

import (
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// SQLSTATE values that this package knows (PostgreSQL manual, appendix A).
const (
	uniqueViolation      = "23505"
	notInRepertoire      = "22021" // text that the server's encoding does not have
	programLimitExceeded = "54000" // among others, a key that is too long for an index
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	readOnlyTransaction  = "25006"
	undefinedTable       = "42P01"
	insufficientRight    = "42501"
	duplicateTable       = "42P07"
	duplicateObject      = "42710"
)

// answer turns the error of an action into one of the contract: a verdict passes, a missing row and a taken key become
// verdicts, and everything else is an outage that keeps its cause.
func answer(action string, err error) error {
	switch {
	case err == nil:
		return nil
	case slices.Contains(storage.Verdicts(), err): // with ==, since one that is joined with a failure is none any more
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return storage.ErrNotFound
	}
	switch sqlState(err) {
	case uniqueViolation:
		return storage.ErrExists
	case notInRepertoire, programLimitExceeded:
		return storage.ErrInvalid
	default:
		return fmt.Errorf("postgres: %s: %w: %w", action, storage.ErrUnavailable, err)
	}
}

// sqlState returns the code of the server's error, or nothing when the error is not the server's.
func sqlState(err error) string {
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failure.Code
	}
	return ""
}
