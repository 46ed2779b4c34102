package storage

import (
	"context"
	"time"
)

// Credential is what a provider gave us for a user: one per user, provider and scopes, shared by that user's grants.
type Credential struct {
	ID                string
	UserID            string
	Provider          string
	Scopes            string    // as granted, sorted, separated by spaces
	Sealed            []byte    // the provider's tokens, sealed with the row's ID as associated data
	AccessExpireTime  time.Time // zero when the provider's access token does not expire
	RefreshExpireTime time.Time // zero when there is no refresh token or it has no fixed end
	HasRefreshToken   bool
	SessionID         string // the provider's session ("sid"), empty when it names none
	Version           int64  // set by the store: 1, and one more with every replacement
	// UpdateTime is when the provider last stood behind the credential, as far as the store knows: that of the login, of a
	// renewal whose answer was verified, or of a confirmation.
	UpdateTime time.Time

	// Attempts counts renewals that were begun since Version was written. More than the one under way means that an
	// earlier one has an unknown outcome: the refresh token may be spent.
	Attempts int
	// LeaseTime is when the renewal under way may be taken over; zero when none is.
	LeaseTime time.Time
}

// Confirmation is the provider's last word on a credential that the store knows: see Credential.UpdateTime.
type Confirmation struct {
	CredentialID string
	Version      int64
	UpdateTime   time.Time
}

// Confirmation returns that of a credential.
func (c Credential) Confirmation() Confirmation {
	return Confirmation{CredentialID: c.ID, Version: c.Version, UpdateTime: c.UpdateTime}
}

// Lease is the right to renew a credential, until its time is over.
type Lease struct {
	Credential Credential // as it stands under the lease
	// Fence is what the holder must present. Every lease on an id has a higher one, also when the credential was deleted
	// and stored anew in between.
	Fence int64
}

// Credentials stores what providers gave us. A lease stands from BeginRenewal until it is finished, abandoned or ended,
// until another takes over after its time, or until a login replaces the credential. A credential that is gone answers
// ErrConflict to everybody who holds a lease or wants one.
type Credentials interface {
	// Credential returns a credential, or ErrNotFound.
	Credential(ctx context.Context, id string) (Credential, error)
	// CredentialsBySession returns the credentials of a provider's session ("sid"), by id. An empty session has none.
	CredentialsBySession(ctx context.Context, provider, sessionID string) ([]Credential, error)
	// RecordConfirmation records when the provider stood behind the tokens of a version. Where the version is another, they
	// have been replaced: that changes nothing and is no error.
	RecordConfirmation(ctx context.Context, confirmation Confirmation) error
	// BeginRenewal takes the lease on a credential of a version until a time, and counts the attempt: the written intent
	// to present the refresh token. ErrConflict when the version is another, or another holds an unexpired lease. Of
	// racing callers one wins.
	BeginRenewal(ctx context.Context, id string, version int64, now, until time.Time) (Lease, error)
	// FinishRenewal stores the renewed tokens with the next version and ends the lease. ErrConflict when the fence is not
	// that of a lease that stands: somebody took over, or a new login replaced the tokens, and this result is void.
	FinishRenewal(ctx context.Context, renewed Credential, fence int64) error
	// AbandonRenewal ends the lease without a result. The attempt still counts. ErrConflict as for FinishRenewal.
	AbandonRenewal(ctx context.Context, id string, fence int64) error
	// EndCredential revokes the live grants of a credential, burns its codes as RevokeGrants does, ends the lease, and
	// returns the grants' ids. ErrConflict as for FinishRenewal: nothing is revoked then.
	EndCredential(ctx context.Context, id string, fence int64, now time.Time, reason string) ([]string, error)
	// CredentialsInUse returns what a user has from a provider and a live grant or a live code needs, or somebody is
	// renewing, in any order.
	CredentialsInUse(ctx context.Context, provider, userID string, now time.Time) ([]Credential, error)
	// UnusedCredentials returns credentials that no live grant and no live code needs and that nobody is renewing, by
	// UpdateTime, then id.
	UnusedCredentials(ctx context.Context, now time.Time, limit int) ([]Credential, error)
	// DeleteCredential deletes a credential of a version that is still unused and returns what it was. ErrConflict
	// otherwise, ErrNotFound when it is gone: of racing callers one gets it. The ended grants and codes that refer to it
	// stay.
	DeleteCredential(ctx context.Context, id string, version int64, now time.Time) (Credential, error)
}
