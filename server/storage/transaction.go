package storage

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

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
//
// The live ones that have not ended are bounded, in three parts that do not take each other's room: what is pending, what
// is approved or claimed for a client, and logins at this server itself. A part that is full gives up the row whose time
// ends first, but never a claimed one: its user is back from the provider. So a flood has to fill a part anew for as long
// as it wants to disturb, and faster than people decide or log in. What was denied, burned or has failed stays, for a
// better answer to who comes again, in the part where it ended and only while there is room.
type Transactions interface {
	// CreateTransaction inserts a transaction: approved when its Status says so and it has no client, which is a login at
	// this server itself, and pending otherwise. When limit of its part are live at its CreateTime, one of them gives way;
	// ErrLimit when none can. ErrExists when its id, handle or state is taken.
	CreateTransaction(ctx context.Context, txn Transaction, limit int) error
	// TransactionByHandle returns a transaction that has not expired, in any state.
	TransactionByHandle(ctx context.Context, handle secret.Hash, now time.Time) (Transaction, error)
	// ApproveTransaction moves pending to approved and returns the stored row. For a row that is approved already with
	// the same PageHash it changes nothing and returns the row as the first approval left it. When limit transactions of
	// clients are approved or claimed already, an approved one gives way; ErrLimit when all are claimed.
	ApproveTransaction(ctx context.Context, approval Approval, now time.Time, limit int) (Transaction, error)
	// DenyTransaction moves pending to denied and returns the row.
	DenyTransaction(ctx context.Context, handle secret.Hash, now time.Time) (Transaction, error)
	// ClaimTransaction moves approved to claimed for the browser that approved and returns the row. With another
	// browser hash it moves approved to burned and answers ErrWrongBrowser. Of racing claims one wins. ErrUsed comes with
	// the Status of the row and nothing else, so that people can be told what became of their login.
	ClaimTransaction(ctx context.Context, state, browser secret.Hash, now time.Time) (Transaction, error)
	// FailTransaction moves claimed to failed. ErrUsed when the transaction is not claimed. A claim outlives the expiry.
	FailTransaction(ctx context.Context, id string) error
}
