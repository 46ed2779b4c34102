package storage

import (
	"context"
	"time"
)

// Revocation says that a grant has ended before its time.
type Revocation struct {
	Sequence   int64 // grows with every revocation; gaps mean nothing
	GrantID    string
	CreateTime time.Time
}

// Revocations is the outbox of ended grants.
type Revocations interface {
	// Revocations returns revocations with a sequence above after, in order. A row may become visible a little later than
	// one with a higher sequence: a reader must look back again (see server/outbox).
	Revocations(ctx context.Context, after int64, limit int) ([]Revocation, error)
	// RevocationBounds returns the lowest sequence that is still stored (0 when none is) and the highest ever given out (0
	// before the first revocation).
	RevocationBounds(ctx context.Context) (lowest, highest int64, err error)
}
