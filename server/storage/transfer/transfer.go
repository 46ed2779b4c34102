// Package transfer moves everything from one store to another, whatever backends they have.
//
// # Rows
//
// Tables describes each table once, in terms that every backend knows: text, integers, truth values, bytes, times and
// lists. A backend exports and imports rows in these terms (its file transfer.go), so nothing here knows SQL and no pair
// of backends needs code of its own. What a row holds is not looked at: hashes and sealed values arrive byte for byte,
// and the target needs the sealing key of the source.
//
// # Starting again
//
// The target is its own record of how far a copy came. Rows go in the order of their keys in the source, a batch is
// there or not, and so the rows in a target must be the first rows of the source: as many, with the same digest. Then the
// copy goes on behind them, also after it was killed. Otherwise they are somebody else's, and the copy is refused before
// it changes anything.
//
// No server may run on either store meanwhile. A backend refuses to open a store that it can see in use. What goes
// unseen shows at the end, when both stores are read again and compared.
package transfer

import (
	"context"
	"errors"
)

// Errors that say why a copy is refused.
var (
	// ErrInUse means that another process has the store open.
	ErrInUse = errors.New("another process has the store open: stop the server first")
	// ErrOccupied means that the target holds rows that are not the beginning of the source.
	ErrOccupied = errors.New("the target holds other rows than the source, or an older state of them: begin with an empty target")
	// ErrDiffers means that source and target are not the same after the copy.
	ErrDiffers = errors.New("source and target differ after the copy: stop whatever writes to them and begin with an empty target")
)

// Counters are the highest numbers that a store has given out and must never give out again, also when the rows that
// had them are gone.
type Counters struct {
	Revocation int64 // sequence of the outbox
	Fence      int64 // of a lease on a credential
}

// Source is a store that is read.
type Source interface {
	// Export returns at most limit rows of a table, in the order of their keys, which are above a key: that of a row
	// before, or nil to begin.
	Export(ctx context.Context, table Table, after *Value, limit int) ([]Row, error)
	// Counters returns the counters as they stand.
	Counters(ctx context.Context) (Counters, error)
}

// Target is a store that is filled.
type Target interface {
	Source
	// Import inserts rows, all or nothing. A row whose key exists stays as it is.
	Import(ctx context.Context, table Table, rows []Row) error
	// Finish raises the counters to at least these and readies the store for a server.
	Finish(ctx context.Context, counters Counters) error
}
