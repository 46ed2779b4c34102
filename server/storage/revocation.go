package storage

import (
	"context"
	"time"
)

// Revocation says that a grant has ended before its time.
type Revocation struct {
	Sequence   int64 // grows with every revocation
	GrantID    string
	CreateTime time.Time
}

// Revocations is the outbox of ended grants.
type Revocations interface {
	// Revocations returns revocations with a sequence above after, in order. They become visible in the order of their
	// sequences: whoever has seen one never has to look for a lower one again.
	Revocations(ctx context.Context, after int64, limit int) ([]Revocation, error)
	// RevocationBounds returns the lowest sequence that is still stored (0 when none is) and the highest ever given out (0
	// before the first revocation), up to which all are visible that were not swept.
	RevocationBounds(ctx context.Context) (lowest, highest int64, err error)
}
