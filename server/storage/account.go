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
	SessionID  string // the provider's session ("sid"), empty when it names none
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
	// DeleteAccountSessionsOfUser deletes the sessions of a user that were created by a time, and returns how many.
	DeleteAccountSessionsOfUser(ctx context.Context, userID string, until time.Time) (int, error)
	// DeleteAccountSessionsOfProvider deletes the sessions that came from a provider's session ("sid"), and returns how
	// many: those of one user, unless userID is empty. An empty session has none.
	DeleteAccountSessionsOfProvider(ctx context.Context, provider, sessionID, userID string) (int, error)
}
