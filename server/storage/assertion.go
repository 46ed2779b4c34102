package storage

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Assertions remembers identifiers ("jti") of tokens from elsewhere that may be used once.
type Assertions interface {
	// UseAssertion records the hash of an issuer and an identifier until its token has expired, when it may be swept.
	// ErrUsed when it is recorded already. Of racing uses one wins.
	UseAssertion(ctx context.Context, hash secret.Hash, expire time.Time) error
}
