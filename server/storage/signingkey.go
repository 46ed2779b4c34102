package storage

import (
	"context"
	"time"
)

// Purposes of signing keys.
const (
	PurposeAccessToken  = "access_token"
	PurposeRefreshToken = "refresh_token"
)

// SigningKey is a key pair for access tokens, or a symmetric key. The private part is sealed. What a key does at a time
// follows from the activation times of all keys of its purpose and algorithm.
type SigningKey struct {
	ID           string // the "kid"
	Purpose      string
	Algorithm    string
	Sealed       []byte
	Public       []byte // JSON Web Key of the public part; empty for a symmetric key
	CreateTime   time.Time
	ActivateTime time.Time // when it begins to sign
}

// SigningKeys stores signing keys.
type SigningKeys interface {
	// SigningKeys returns every key, by activation time, then id.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
	// AddSigningKey inserts key unless one with its purpose and algorithm has an activation time later than after; the
	// zero time means unless there is one at all. It reports whether it did. ErrExists when the id is taken. Of several
	// servers that add at once one wins.
	AddSigningKey(ctx context.Context, key SigningKey, after time.Time) (added bool, err error)
	// DeleteSigningKey deletes a key, or answers ErrNotFound.
	DeleteSigningKey(ctx context.Context, id string) error
}
