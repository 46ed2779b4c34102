package storage

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Code is an authorization code. The grant that it will become carries GrantID.
type Code struct {
	Hash          secret.Hash
	GrantID       string
	ClientID      string
	RedirectURI   string
	RedirectGiven bool
	Challenge     string
	Resource      string
	Scopes        []string
	UserID        string
	CredentialID  string
	CreateTime    time.Time
	ExpireTime    time.Time
	UseTime       time.Time // zero until it is redeemed or burned
}

// Completion ends a claimed transaction with a code.
type Completion struct {
	TransactionID string
	// User is inserted, or replaces the display fields of the row with the same ID. The ID derives from the identity.
	User User
	// Credential is inserted, or replaces the row with the same ID and raises its version. The ID derives from user,
	// provider and scopes.
	Credential Credential
	Code       Code
}

// Codes stores authorization codes.
type Codes interface {
	// CompleteTransaction moves claimed to completed and stores user, credential and code, all or nothing. ErrUsed when
	// the transaction is not claimed, ErrNotFound when it is gone, ErrExists when the code is taken.
	CompleteTransaction(ctx context.Context, completion Completion) error
	// Code returns a code in any state, or ErrNotFound. Used and expired codes stay until they are swept, to detect
	// replay.
	Code(ctx context.Context, hash secret.Hash) (Code, error)
	// RedeemCode marks an unused, unexpired code as used and inserts the grant, all or nothing. ErrUsed, ErrExpired or
	// ErrNotFound say why not; a code that is used and expired is used. ErrExists when the grant's id is taken. Of racing
	// redemptions one wins. It also marks the client as used.
	RedeemCode(ctx context.Context, hash secret.Hash, now time.Time, grant Grant) error
	// BurnCode marks an unused code as used without a grant. ErrUsed when it was used before. RevokeGrants burns, too.
	BurnCode(ctx context.Context, hash secret.Hash, now time.Time) error
}
