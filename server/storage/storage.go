// Package storage is the contract between the use cases and a store: records, role interfaces and sentinels.
//
// Every method is one atomic step. Single-use facts are decided by one guarded statement whose affected-row count is
// the answer, never by a read that is followed by a write. Expiry is re-checked inside the statement, with the time
// that the caller passes; a row has expired at its ExpireTime. Times are stored in UTC with microseconds, and empty lists
// come back as nil. Every implementation passes storagetest.
package storage

import (
	"context"
	"errors"
	"time"
)

// Sentinels. Every other error of a store is an outage and wraps ErrUnavailable.
var (
	// ErrNotFound means that no such row exists, or that it has expired.
	ErrNotFound = errors.New("storage: not found")
	// ErrExists means that a row with that key exists.
	ErrExists = errors.New("storage: already exists")
	// ErrUsed means that a single-use row was used before.
	ErrUsed = errors.New("storage: already used")
	// ErrExpired means that the row exists and its time is over.
	ErrExpired = errors.New("storage: expired")
	// ErrWrongBrowser means that a transaction is bound to another browser. It has been burned.
	ErrWrongBrowser = errors.New("storage: bound to another browser")
	// ErrRevoked means that the grant has ended.
	ErrRevoked = errors.New("storage: revoked")
	// ErrResource means that a grant is for another resource than was asked for, and ErrScope that less was granted.
	ErrResource = errors.New("storage: another resource")
	ErrScope    = errors.New("storage: less was granted")
	// ErrConflict means that the row is not what the caller saw, or that another holds it.
	ErrConflict = errors.New("storage: conflict")
	// ErrLimit means that a bound of the table is reached.
	ErrLimit = errors.New("storage: limit reached")
	// ErrInvalid means that a text to be stored is not UTF-8 or holds NUL, which PostgreSQL cannot keep. Callers refuse
	// such input themselves; looking for it is answered with ErrNotFound.
	ErrInvalid = errors.New("storage: text cannot be stored")
	// ErrUnavailable means that the store could not answer. Nothing is known about the outcome of a write.
	ErrUnavailable = errors.New("storage: unavailable")
)

// Verdicts returns the sentinels that answer what was asked, which are all but ErrUnavailable.
func Verdicts() []error {
	return []error{
		ErrNotFound, ErrExists, ErrUsed, ErrExpired, ErrWrongBrowser, ErrRevoked, ErrResource, ErrScope, ErrConflict,
		ErrLimit, ErrInvalid,
	}
}

// Store is everything that a backend offers.
type Store interface {
	Clients
	Transactions
	Codes
	Grants
	Credentials
	Revocations
	AccountSessions
	Assertions
	SigningKeys
	SealedValues
	// Sweep deletes what is over, at most policy.Limit rows of each table, and reports how many rows went, also beside an
	// error. A client stays while it has a live grant or code, or an approved or claimed transaction. A user stays while a
	// credential, a grant, a code or an account session refers to it. Credentials are left to DeleteCredential: the
	// provider wants them back.
	Sweep(ctx context.Context, now time.Time, policy SweepPolicy) (SweepResult, error)
	// Ping reports whether the store can read and write, as an error that wraps ErrUnavailable.
	Ping(ctx context.Context) error
	// Close waits for acknowledged writes and releases everything. Methods called afterwards fail with ErrUnavailable.
	Close() error
}

// Page is a position in a list that is ordered by creation time and id, newest first.
type Page struct {
	// Limit is the most rows to return, at least 1.
	Limit int
	// After is the cursor of the last row of the previous page; the zero value starts at the newest.
	After Cursor
}

// Cursor is the position of a row.
type Cursor struct {
	CreateTime time.Time
	ID         string
}

// IsZero reports whether the cursor is at the start.
func (c Cursor) IsZero() bool { return c.ID == "" }
