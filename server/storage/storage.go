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
	SigningKeys
	// Sweep deletes what is over, at most policy.Limit rows of each table, and reports how many rows went, also beside an
	// error. Credentials and users go when no grant and no code refers to them. A client stays while it has a live grant,
	// code or transaction.
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

// Transaction is one authorization request on its way through consent and the provider.
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

	// Set by ApproveTransaction.
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
	// CreateTransaction inserts a pending transaction. ErrLimit when maxLive transactions are pending and unexpired at
	// its CreateTime; ErrExists when its id or handle is taken.
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
	Version           int64 // set by the store: 1, and one more with every replacement
	UpdateTime        time.Time
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
	// RedeemCode marks an unused, unexpired code as used and inserts the grant and its first refresh token (which may
	// be nil), all or nothing. ErrUsed, ErrExpired or ErrNotFound say why not; a code that is used and expired is used.
	// ErrExists when the grant or the token is taken. Of racing redemptions one wins. It also marks the client as used.
	RedeemCode(ctx context.Context, hash secret.Hash, now time.Time, grant Grant, refresh *RefreshToken) error
	// BurnCode marks an unused code as used without a grant. ErrUsed when it was used before.
	BurnCode(ctx context.Context, hash secret.Hash, now time.Time) error
}

// Reasons why a grant was revoked.
const (
	RevokedByOperator      = "operator"
	RevokedByClientDeleted = "client_deleted"
	RevokedByCodeReplay    = "code_replay"
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
}

// GrantDetail is a grant with what belongs to it.
type GrantDetail struct {
	Grant      Grant
	User       User
	Credential Credential
	ClientName string // empty when the client is gone
}

// RefreshToken is one generation of a grant's refresh token.
type RefreshToken struct {
	Hash       secret.Hash
	GrantID    string
	Generation int64 // counts from 1
	CreateTime time.Time
	ExpireTime time.Time // end of the idle lifetime
}

// GrantFilter selects grants. Zero fields do not restrict.
type GrantFilter struct {
	ID           string
	ClientID     string
	UserID       string
	IncludeEnded bool // revoked or expired ones too; only for listing
	Now          time.Time
}

// Grants stores grants.
type Grants interface {
	// Grant returns a grant in any state with its user and credential, or ErrNotFound.
	Grant(ctx context.Context, id string) (GrantDetail, error)
	// ListGrants returns a page of grants, newest first.
	ListGrants(ctx context.Context, filter GrantFilter, page Page) ([]GrantDetail, error)
	// RevokeGrants revokes the live grants that the filter selects, deletes their refresh tokens, and returns their ids.
	// A filter without ID, ClientID and UserID selects nothing.
	RevokeGrants(ctx context.Context, filter GrantFilter, reason string) ([]string, error)
}

// SigningKey is a key pair for access tokens, or an HMAC key. The private part is sealed.
type SigningKey struct {
	ID         string // the "kid"
	Algorithm  string
	Sealed     []byte
	Public     []byte // JSON Web Key of the public part; empty for HS256
	CreateTime time.Time
	RetireTime time.Time // zero while it may sign
}

// SigningKeys stores signing keys.
type SigningKeys interface {
	// SigningKeys returns every key, oldest first.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
	// EnsureSigningKey inserts key unless one with its algorithm may sign already, and returns the one that stands. Of
	// several servers that start together one wins. ErrExists when the id is taken by a key that may not sign.
	EnsureSigningKey(ctx context.Context, key SigningKey) (SigningKey, error)
}

// SweepPolicy says how long what is over is kept.
type SweepPolicy struct {
	UnusedClient     time.Duration // dynamic clients without a code exchange
	IdleClient       time.Duration // dynamic clients after their last use, when they have no live grant
	EndedGrant       time.Duration // revoked or expired grants
	EndedTransaction time.Duration // transactions and codes after their expiry
	Limit            int           // most rows of each table in one call
}

// SweepResult counts deleted rows.
type SweepResult struct {
	Clients, Transactions, Codes, Grants, RefreshTokens, Credentials, Users int
}
