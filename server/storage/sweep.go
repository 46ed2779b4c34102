package storage

import (
	"time"
)

// SweepPolicy says how long what is over is kept.
type SweepPolicy struct {
	UnusedClient     time.Duration // dynamic clients without a code exchange
	IdleClient       time.Duration // dynamic clients after their last use, when they have no live grant
	EndedGrant       time.Duration // revoked or expired grants
	EndedTransaction time.Duration // transactions and codes after their expiry
	Revocation       time.Duration // entries of the outbox
	Limit            int           // most rows of each table in one call
}

// SweepResult counts deleted rows.
type SweepResult struct {
	Clients, Transactions, Codes, Grants, Revocations, AccountSessions, Assertions, Users int
}

// Most returns the count of the table that lost the most rows.
func (r SweepResult) Most() int {
	return max(r.Clients, r.Transactions, r.Codes, r.Grants, r.Revocations, r.AccountSessions, r.Assertions, r.Users)
}
