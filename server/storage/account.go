package storage

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// AccountSession is a user signed in at this server itself.
type AccountSession struct {
	Hash       secret.Hash
	UserID     string
	CreateTime time.Time
	ExpireTime time.Time
}

// AccountSessions stores sign-ins of the account page.
type AccountSessions interface {
	// CompleteAccountLogin moves a claimed transaction to completed and stores user and session, all or nothing. ErrUsed
	// when the transaction is not claimed, ErrNotFound when it is gone, ErrExists when the session is taken.
	CompleteAccountLogin(ctx context.Context, transactionID string, user User, session AccountSession) error
	// AccountSession returns an unexpired session with its user, or ErrNotFound.
	AccountSession(ctx context.Context, hash secret.Hash, now time.Time) (AccountSession, User, error)
	// DeleteAccountSession deletes a session. One that is gone is no error.
	DeleteAccountSession(ctx context.Context, hash secret.Hash) error
}
