package storage

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

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
	LastUsedTime    time.Time // zero until its first code exchange; a backend may be a minute late
}

// ClientAuthentication is what a client is authenticated with, and what its token requests are held against: read for each
// of them, and so no more than that needs. The fields are those of Client.
type ClientAuthentication struct {
	ID           string
	Origin       ClientOrigin
	AuthMethod   string
	SecretHash   *secret.Hash
	GrantTypes   []string
	LastUsedTime time.Time
}

// Clients stores registered clients.
type Clients interface {
	// CreateClient inserts a client. ErrExists when the id is taken. When it is dynamic and maxUnused dynamic clients that
	// were never used exist already, the oldest of them is deleted with its transactions and codes; ErrLimit when none may
	// be. A client stays that was ever used, has a live grant or code, or an approved or claimed transaction. A pending
	// transaction holds nothing, since whoever registers clients can also begin logins for them.
	CreateClient(ctx context.Context, client Client, maxUnused int) error
	// Client returns one client, or ErrNotFound.
	Client(ctx context.Context, id string) (Client, error)
	// ClientAuthentication returns what authenticates one client, or ErrNotFound.
	ClientAuthentication(ctx context.Context, id string) (ClientAuthentication, error)
	// ListClients returns a page of clients, newest first.
	ListClients(ctx context.Context, page Page) ([]Client, error)
	// DeleteClient deletes a client with its transactions and codes, and revokes its live grants. It returns the ids of
	// those, or ErrNotFound.
	DeleteClient(ctx context.Context, id string, now time.Time) (revoked []string, err error)
}
