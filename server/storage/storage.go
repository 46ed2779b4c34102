// Package storage is the contract between the use cases and a store: records, role interfaces and sentinels.
//
// Every method is one atomic step. Single-use facts are decided by one guarded statement whose affected-row count is
// the answer, never by a read that is followed by a write. Expiry is re-checked inside the statement, with the time
// that the caller passes; a row has expired at its ExpireTime. Times are stored in UTC with microseconds, and empty lists
// come back as nil. Every implementation passes storagetest.
package storage

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Sentinels. Every other error of a store is an outage and wraps ErrUnavailable.
var (
	// ErrNotFound means that no such row exists, or that it has expired.
	ErrNotFound = errors.New("storage: not found")
	// ErrExists means that a row with that key exists.
	ErrExists = errors.New("storage: already exists")
	// ErrUsed means that a single-use row was used before.
	ErrUsed = errors.New("storage: already used")
	// ErrExpired means that the row exists and its time is over.
	ErrExpired = errors.New("storage: expired")
	// ErrWrongBrowser means that a transaction is bound to another browser. It has been burned.
	ErrWrongBrowser = errors.New("storage: bound to another browser")
	// ErrRevoked means that the grant has ended.
	ErrRevoked = errors.New("storage: revoked")
	// ErrConflict means that the row is not what the caller saw, or that another holds it.
	ErrConflict = errors.New("storage: conflict")
	// ErrLimit means that a bound of the table is reached.
	ErrLimit = errors.New("storage: limit reached")
	// ErrInvalid means that a text to be stored is not UTF-8 or holds NUL, which PostgreSQL cannot keep. Callers refuse
	// such input themselves; looking for it is answered with ErrNotFound.
	ErrInvalid = errors.New("storage: text cannot be stored")
	// ErrUnavailable means that the store could not answer. Nothing is known about the outcome of a write.
	ErrUnavailable = errors.New("storage: unavailable")
)

// Store is everything that a backend offers.
type Store interface {
	Clients
	Transactions
	Codes
	Grants
	Credentials
	Revocations
	AccountSessions
	Assertions
	SigningKeys
	SealedValues
	// Sweep deletes what is over, at most policy.Limit rows of each table, and reports how many rows went, also beside an
	// error. A client stays while it has a live grant, code or transaction. A user stays while a credential, a grant, a
	// code or an account session refers to it. Credentials are left to DeleteCredential: the provider wants them back.
	Sweep(ctx context.Context, now time.Time, policy SweepPolicy) (SweepResult, error)
	// Ping reports whether the store can read and write, as an error that wraps ErrUnavailable.
	Ping(ctx context.Context) error
	// Close waits for acknowledged writes and releases everything. Methods called afterwards fail with ErrUnavailable.
	Close() error
}

// Page is a position in a list that is ordered by creation time and id, newest first.
type Page struct {
	// Limit is the most rows to return, at least 1.
	Limit int
	// After is the cursor of the last row of the previous page; the zero value starts at the newest.
	After Cursor
}

// Cursor is the position of a row.
type Cursor struct {
	CreateTime time.Time
	ID         string
}

// IsZero reports whether the cursor is at the start.
func (c Cursor) IsZero() bool { return c.ID == "" }

// ClientOrigin says who registered a client.
type ClientOrigin string

// Origins of clients.
const (
	OriginDynamic  ClientOrigin = "dynamic"
	OriginOperator ClientOrigin = "operator"
)

// Client is a registered OAuth client.
type Client struct {
	ID              string
	Origin          ClientOrigin
	Name            string
	AuthMethod      string
	SecretHash      *secret.Hash // nil for a public client
	RedirectURIs    []string     // verbatim
	GrantTypes      []string
	Scopes          []string
	ApplicationType string
	ClientURI       string
	LogoURI         string
	SoftwareID      string
	SoftwareVersion string
	CreateTime      time.Time
	LastUsedTime    time.Time // zero until its first code exchange
}

// Clients stores registered clients.
type Clients interface {
	// CreateClient inserts a client. ErrExists when the id is taken; ErrLimit when it is dynamic and maxUnused dynamic
	// clients that were never used exist already. A client that was used is never evicted to make room.
	CreateClient(ctx context.Context, client Client, maxUnused int) error
	// Client returns one client, or ErrNotFound.
	Client(ctx context.Context, id string) (Client, error)
	// ListClients returns a page of clients, newest first.
	ListClients(ctx context.Context, page Page) ([]Client, error)
	// DeleteClient deletes a client with its transactions and codes, and revokes its live grants. It returns the ids of
	// those, or ErrNotFound.
	DeleteClient(ctx context.Context, id string, now time.Time) (revoked []string, err error)
}

// TransactionStatus is the state of an authorization transaction.
type TransactionStatus string

// States of a transaction: pending -> approved -> claimed -> completed; pending -> denied; approved -> burned;
// claimed -> failed.
const (
	StatusPending   TransactionStatus = "pending"
	StatusApproved  TransactionStatus = "approved"
	StatusClaimed   TransactionStatus = "claimed"
	StatusCompleted TransactionStatus = "completed"
	StatusDenied    TransactionStatus = "denied"
	StatusFailed    TransactionStatus = "failed"
	StatusBurned    TransactionStatus = "burned"
)

// Transaction is one authorization request on its way through consent and the provider, or a login at this server
// itself, which has no client, is approved from the start and needs no consent.
type Transaction struct {
	ID            string
	HandleHash    secret.Hash // of the consent page's handle
	Status        TransactionStatus
	ClientID      string
	RedirectURI   string // as requested
	RedirectGiven bool   // false when the client left it out
	ClientState   string
	HasState      bool // a state that is absent stays absent
	Challenge     string
	Resource      string
	Scopes        []string
	Provider      string
	CreateTime    time.Time
	ExpireTime    time.Time

	// Set by ApproveTransaction, or from the start for a login at this server itself.
	PageHash    *secret.Hash // of the consent page's cookie in the approving browser
	StateHash   *secret.Hash // of the state sent to the provider
	BrowserHash *secret.Hash // of the cookie that the callback needs
	Sealed      []byte       // state, cookie, PKCE verifier and nonce, sealed
}

// Approval is what the approving POST binds to a transaction.
type Approval struct {
	HandleHash  secret.Hash
	PageHash    secret.Hash
	StateHash   secret.Hash
	BrowserHash secret.Hash
	Sealed      []byte
}

// Transactions stores authorization transactions. Methods answer ErrNotFound for a row that is missing or past its
// expiry, and ErrUsed for one that is in a later state than the method moves from.
type Transactions interface {
	// CreateTransaction inserts a transaction: approved when its Status says so and it has no client, which is a login at
	// this server itself, and pending otherwise. ErrLimit when maxLive transactions that are pending, or approved without
	// a client, are unexpired at its CreateTime; ErrExists when its id, handle or state is taken.
	CreateTransaction(ctx context.Context, txn Transaction, maxLive int) error
	// TransactionByHandle returns a transaction that has not expired, in any state.
	TransactionByHandle(ctx context.Context, handle secret.Hash, now time.Time) (Transaction, error)
	// ApproveTransaction moves pending to approved and returns the stored row. For a row that is approved already with
	// the same PageHash it changes nothing and returns the row as the first approval left it.
	ApproveTransaction(ctx context.Context, approval Approval, now time.Time) (Transaction, error)
	// DenyTransaction moves pending to denied and returns the row.
	DenyTransaction(ctx context.Context, handle secret.Hash, now time.Time) (Transaction, error)
	// ClaimTransaction moves approved to claimed for the browser that approved and returns the row. With another
	// browser hash it moves approved to burned and answers ErrWrongBrowser. Of racing claims one wins.
	ClaimTransaction(ctx context.Context, state, browser secret.Hash, now time.Time) (Transaction, error)
	// FailTransaction moves claimed to failed. ErrUsed when the transaction is not claimed. A claim outlives the expiry.
	FailTransaction(ctx context.Context, id string) error
}

// User is a person as a provider knows them. Provider, Issuer and Subject are the identity; the rest is display.
type User struct {
	ID                string // the "sub" of our tokens
	Provider          string
	Issuer            string
	Subject           string
	Name              string
	GivenName         string
	FamilyName        string
	Email             string
	EmailVerified     bool
	PreferredUsername string
	Groups            []string
	UpdateTime        time.Time
}

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
	UpdateTime        time.Time

	// Attempts counts renewals that were begun since Version was written. More than the one under way means that an
	// earlier one has an unknown outcome: the refresh token may be spent.
	Attempts int
	// LeaseTime is when the renewal under way may be taken over; zero when none is.
	LeaseTime time.Time
}

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
	// BurnCode marks an unused code as used without a grant. ErrUsed when it was used before.
	BurnCode(ctx context.Context, hash secret.Hash, now time.Time) error
}

// Reasons why a grant was revoked.
const (
	RevokedByOperator      = "operator"
	RevokedByUser          = "user"
	RevokedByClient        = "client"
	RevokedByClientDeleted = "client_deleted"
	RevokedByLogout        = "logout"
	RevokedByCodeReplay    = "code_replay"
	RevokedByRefreshReplay = "refresh_replay"
	RevokedByUpstream      = "upstream"
)

// Grant is what one user allowed one client: one code exchange is one grant.
type Grant struct {
	ID           string
	ClientID     string
	UserID       string
	CredentialID string
	Resource     string
	Scopes       []string
	CreateTime   time.Time
	LastUsedTime time.Time
	ExpireTime   time.Time
	RevokeTime   time.Time // zero while it lives
	RevokeReason string
	Refresh      *Refresh // nil when the client may not refresh
}

// GrantDetail is a grant with what belongs to it.
type GrantDetail struct {
	Grant      Grant
	User       User
	Credential Credential // zero when it is gone, which it may be once the grant has ended
	ClientName string     // empty when the client is gone
}

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
	GrantID    string
	Generation int64       // of the presented token, whose origin the caller has proven
	Hash       secret.Hash // of the presented token
	Next       secret.Hash // of its successor
	NextExpire time.Time   // end of the successor's idle lifetime
	Grace      time.Duration
	Now        time.Time
}

// Rotated is the state after a rotation.
type Rotated struct {
	Grant Grant
	// Repeated is true when the presented token had been rotated before, within the grace window: Grant.Refresh is then
	// the successor of that first rotation.
	Repeated bool
}

// GrantFilter selects grants. Zero fields do not restrict.
type GrantFilter struct {
	ID           string
	ClientID     string
	UserID       string
	CredentialID string
	IncludeEnded bool // revoked or expired ones too; only for listing
	Now          time.Time
}

// Grants stores grants.
type Grants interface {
	// Grant returns a grant in any state with its user and credential, or ErrNotFound.
	Grant(ctx context.Context, id string) (GrantDetail, error)
	// ListGrants returns a page of grants, newest first.
	ListGrants(ctx context.Context, filter GrantFilter, page Page) ([]GrantDetail, error)
	// RevokeGrants revokes the live grants that the filter selects, with their refresh tokens, and returns their ids.
	// A filter without ID, ClientID, UserID and CredentialID selects nothing. Every revoked grant, here and in every other
	// method that revokes, is recorded as a Revocation in the same step.
	RevokeGrants(ctx context.Context, filter GrantFilter, reason string) ([]string, error)
	// RotateRefreshToken makes Next the head of the line of a live grant, when the presented token is the head. It also
	// marks grant and client as used.
	//
	// When the presented token is the direct predecessor of the head, and the head took its place less than Grace ago, the
	// row stays as it is and Rotated.Repeated is true. Any older token, or the predecessor after that, revokes the grant
	// with RevokedByRefreshReplay and answers ErrUsed. ErrNotFound: there is no such grant, or it does not refresh, or the
	// presented token is the head's generation with another hash, or a later one (nothing is revoked). ErrRevoked: the
	// grant has ended. ErrExpired: its absolute or idle lifetime is over. A grant that is over says so, whatever token is
	// presented.
	//
	// One guarded statement decides; Rotation.Missed explains when it found nothing to change. Of racing rotations of one
	// token one wins and the others are repetitions.
	RotateRefreshToken(ctx context.Context, rotation Rotation) (Rotated, error)
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
	// BeginRenewal takes the lease on a credential of a version until a time, and counts the attempt: the written intent
	// to present the refresh token. ErrConflict when the version is another, or another holds an unexpired lease. Of
	// racing callers one wins.
	BeginRenewal(ctx context.Context, id string, version int64, now, until time.Time) (Lease, error)
	// FinishRenewal stores the renewed tokens with the next version and ends the lease. ErrConflict when the fence is not
	// that of a lease that stands: somebody took over, or a new login replaced the tokens, and this result is void.
	FinishRenewal(ctx context.Context, renewed Credential, fence int64) error
	// AbandonRenewal ends the lease without a result. With unsent, the attempt does not count: the refresh token was
	// certainly not presented. ErrConflict as for FinishRenewal.
	AbandonRenewal(ctx context.Context, id string, fence int64, unsent bool) error
	// EndCredential revokes the live grants of a credential, ends the lease, and returns the grants' ids. ErrConflict as
	// for FinishRenewal: nothing is revoked then.
	EndCredential(ctx context.Context, id string, fence int64, now time.Time, reason string) ([]string, error)
	// UnusedCredentials returns credentials that no live grant and no live code needs and that nobody is renewing, by
	// UpdateTime, then id.
	UnusedCredentials(ctx context.Context, now time.Time, limit int) ([]Credential, error)
	// DeleteCredential deletes a credential of a version that is still unused. ErrConflict otherwise, ErrNotFound when it
	// is gone. The ended grants and codes that refer to it stay.
	DeleteCredential(ctx context.Context, id string, version int64, now time.Time) error
}

// Revocation says that a grant has ended before its time.
type Revocation struct {
	Sequence   int64 // grows with every revocation; gaps mean nothing
	GrantID    string
	CreateTime time.Time
}

// Revocations is the outbox of ended grants.
type Revocations interface {
	// Revocations returns revocations with a sequence above after, in order. A row may become visible a little later than
	// one with a higher sequence: a reader must look back again (see server/outbox).
	Revocations(ctx context.Context, after int64, limit int) ([]Revocation, error)
	// RevocationBounds returns the lowest sequence that is still stored (0 when none is) and the highest ever given out (0
	// before the first revocation).
	RevocationBounds(ctx context.Context) (lowest, highest int64, err error)
}

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

// Assertions remembers identifiers ("jti") of tokens from elsewhere that may be used once.
type Assertions interface {
	// UseAssertion records the hash of an issuer and an identifier until its token has expired, when it may be swept.
	// ErrUsed when it is recorded already. Of racing uses one wins.
	UseAssertion(ctx context.Context, hash secret.Hash, expire time.Time) error
}

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
