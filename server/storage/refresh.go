package storage

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Refresh is the head of a grant's line of refresh tokens. There is one row per grant, however often it rotates: older
// generations are recognised by the tokens themselves.
type Refresh struct {
	Generation int64       // of the token that is good now; counts from 1
	Hash       secret.Hash // of that token
	RotateTime time.Time   // when it took the place of its predecessor; zero for the first
	ExpireTime time.Time   // end of the idle lifetime
}

// Rotation replaces the head of a line.
type Rotation struct {
	GrantID string
	// ClientID is who presents the token.
	ClientID string
	// Resource and Scopes are what the presenter asks for. Empty is whatever was granted.
	Resource string
	Scopes   []string

	Generation int64       // of the presented token, whose origin the caller has proven
	Hash       secret.Hash // of the presented token
	Next       secret.Hash // of its successor
	NextExpire time.Time   // end of the successor's idle lifetime
	Grace      time.Duration
	Now        time.Time
	// ClientUsedTime is when the client was last marked as used, as far as the caller knows.
	ClientUsedTime time.Time
}

// Rotated is the state after a rotation.
type Rotated struct {
	Grant Grant
	// Repeated is true when the presented token had been rotated before, within the grace window: Grant.Refresh is then
	// the successor of that first rotation.
	Repeated bool
}
