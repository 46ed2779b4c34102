package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// answer turns the error of an action into one of the contract: a verdict passes, a missing row and a taken key become
// verdicts, and everything else is an outage that keeps its cause.
func answer(action string, err error) error {
	switch {
	case err == nil:
		return nil
	case slices.Contains(storage.Verdicts(), err): // with ==, since one that is joined with a failure is none any more
		return err
	case errors.Is(err, sql.ErrNoRows):
		return storage.ErrNotFound
	case isTaken(err):
		return storage.ErrExists
	default:
		return fmt.Errorf("sqlite: %s: %w: %w", action, storage.ErrUnavailable, err)
	}
}

func isTaken(err error) bool {
	failure, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return false
	}
	return failure.Code() == codes.SQLITE_CONSTRAINT_PRIMARYKEY || failure.Code() == codes.SQLITE_CONSTRAINT_UNIQUE
}

// isBusy reports whether somebody else has the file.
func isBusy(err error) bool {
	failure, ok := errors.AsType[*driver.Error](err)
	return ok && failure.Code()&0xff == codes.SQLITE_BUSY
}
