package storage

import (
	"context"
)

// SealedValue is a sealed column of one row.
type SealedValue struct {
	Table  string // credentials, transactions or signing_keys
	ID     string
	Sealed []byte
}

// SealedValues finds and replaces sealed columns, so that a sealing key can be retired.
type SealedValues interface {
	// SealedOtherwise returns values whose key id (bytes 2 to 9, see server/seal) is not keyID.
	SealedOtherwise(ctx context.Context, keyID []byte, limit int) ([]SealedValue, error)
	// CountSealedOtherwise counts them.
	CountSealedOtherwise(ctx context.Context, keyID []byte) (int64, error)
	// ReplaceSealed stores sealed in the place of value, when that still stands there. ErrConflict otherwise: the row is
	// gone or changed meanwhile, and whoever changed it sealed it anew. A credential keeps its version and its lease.
	ReplaceSealed(ctx context.Context, value SealedValue, sealed []byte) error
}
