// Package registration keeps OAuth clients: those that register themselves (RFC 7591), those that an operator
// registers, and the check of their credentials.
package registration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/token"
)

// Authentication methods of the token endpoint (RFC 7591 section 2).
const (
	MethodNone  = "none"
	MethodBasic = "client_secret_basic"
	MethodPost  = "client_secret_post"
)

// Grant types that a client may register.
const (
	GrantAuthorizationCode = "authorization_code"
	GrantRefreshToken      = "refresh_token"
)

const responseTypeCode = "code"

// Methods returns the supported authentication methods.
func Methods() []string { return []string{MethodNone, MethodBasic, MethodPost} }

// Deps is what a Registrar needs.
type Deps struct {
	Store  storage.Clients
	Random secret.Source
	Now    func() time.Time
}

// Policy bounds what clients may register.
type Policy struct {
	// Scopes are all scopes of all resources.
	Scopes oauth.Scopes
	// Schemes are private-use URI schemes without a dot that are accepted.
	Schemes oauth.PrivateUseSchemes
	// MaxUnused bounds dynamic clients that never exchanged a code. One more takes the place of the oldest.
	MaxUnused int
}

// Registrar registers and authenticates clients.
type Registrar struct {
	deps   Deps
	policy Policy
	known  *otter.Cache[string, storage.ClientAuthentication] // those in use, by id
}

// New returns a Registrar.
func New(deps Deps, policy Policy) (*Registrar, error) {
	known, err := otter.New(&otter.Options[string, storage.ClientAuthentication]{MaximumSize: maxKnown})
	if err != nil {
		return nil, fmt.Errorf("registration: %w", err)
	}
	return &Registrar{deps: deps, policy: policy, known: known}, nil
}

// Metadata is what a client says of itself. Contacts, TermsURI and PolicyURI are checked and forgotten.
type Metadata struct {
	RedirectURIs                 []string
	AuthMethod                   string
	GrantTypes, ResponseTypes    []string
	Name, Scope, ApplicationType string
	ClientURI, LogoURI, TermsURI string
	PolicyURI                    string
	SoftwareID, SoftwareVersion  string
	Contacts                     []string
}

// Registered is a new client with its secret, which exists only here.
type Registered struct {
	Client storage.Client
	Secret secret.Text // empty for a public client
}

// Register stores a new client with an id of its own.
func (r *Registrar) Register(ctx context.Context, metadata Metadata, origin storage.ClientOrigin) (Registered, error) {
	client, err := r.validate(metadata)
	if err != nil {
		return Registered{}, err
	}
	client.ID = r.deps.Random.ID()
	client.Origin = origin
	client.CreateTime = r.deps.Now()
	registered := Registered{Client: client}
	if client.AuthMethod != MethodNone {
		registered.Secret = r.deps.Random.Text(token.PrefixClientSecret)
		hash := registered.Secret.Hash()
		registered.Client.SecretHash = &hash
	}
	switch err := r.deps.Store.CreateClient(ctx, registered.Client, r.policy.MaxUnused); {
	case errors.Is(err, storage.ErrLimit):
		return Registered{}, &oauth.Error{
			Code:        oauth.TooManyRequests,
			Description: "Too many apps are in the middle of their first login. Try again later.",
			RetryAfter:  time.Minute,
		}
	case err != nil:
		return Registered{}, oauth.Unavailable(err)
	}
	return registered, nil
}

// Client returns a client, or an error with the code invalid_client.
func (r *Registrar) Client(ctx context.Context, id string) (storage.Client, error) {
	client, err := r.deps.Store.Client(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Client{}, oauth.NewError(oauth.InvalidClient, "The client is not registered here.").WithCause(err)
	}
	if err != nil {
		return storage.Client{}, oauth.Unavailable(err)
	}
	return client, nil
}

// RedirectURI returns the registered redirect URI that a request means: the only one when it names none, otherwise
// the one that matches (RFC 6749 section 3.1.2.3). The result has the request's port.
func (r *Registrar) RedirectURI(client storage.Client, requested *string) (oauth.RedirectURI, error) {
	mismatch := oauth.NewError(oauth.InvalidRedirectURI, "The redirect URI is not registered for this client.")
	if requested == nil {
		if len(client.RedirectURIs) != 1 {
			return oauth.RedirectURI{}, mismatch
		}
		return oauth.ParseRedirectURI(client.RedirectURIs[0], r.policy.Schemes)
	}
	matches := func(raw string) bool {
		registered, err := oauth.ParseRedirectURI(raw, r.policy.Schemes)
		return err == nil && registered.Matches(*requested)
	}
	if !slices.ContainsFunc(client.RedirectURIs, matches) {
		return oauth.RedirectURI{}, mismatch
	}
	return oauth.ParseRedirectURI(*requested, r.policy.Schemes)
}
