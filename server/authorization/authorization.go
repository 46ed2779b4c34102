// Package authorization is the state machine of an authorization request: begin, consent, the provider's login, and
// the code for the client.
//
// A transaction has three secrets that are never exchanged for one another: the handle opens the consent page, the
// state goes through the provider, and the browser secret is given only to the browser that approved. Only their
// hashes are stored.
package authorization

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// Clients finds clients and their redirect URIs.
type Clients interface {
	Client(ctx context.Context, id string) (storage.Client, error)
	RedirectURI(client storage.Client, requested *string) (oauth.RedirectURI, error)
}

// Provider is the identity provider, as far as a login needs it.
type Provider interface {
	Name() string
	DisplayName() string
	AuthorizationURL(ctx context.Context, req upstream.AuthorizationRequest) (string, error)
	Exchange(ctx context.Context, req upstream.ExchangeRequest) (upstream.Login, error)
}

// Sealer protects the secrets of the way through the provider at rest.
type Sealer interface {
	Seal(plaintext []byte, place seal.Place) []byte
	Open(sealed []byte, place seal.Place) ([]byte, error)
}

// Returner gives tokens of a login that comes to nothing back to the provider.
type Returner interface {
	Return(ctx context.Context, record storage.Credential) error
}

// Store keeps transactions, codes and account sessions.
type Store interface {
	storage.Transactions
	storage.Codes
	storage.AccountSessions
}

// Deps is what a Flow needs.
type Deps struct {
	Clients  Clients
	Store    Store
	Provider Provider
	Sealer   Sealer
	Vault    credential.Vault
	Returner Returner
	Random   secret.Source
	Now      func() time.Time
	Logger   *slog.Logger
}

// Config bounds transactions.
type Config struct {
	// Issuer is the "iss" of every authorization response (RFC 9207).
	Issuer string
	// Resources are what tokens may be for, the default first.
	Resources oauth.Resources
	// TransactionTTL is the time for consent and login together.
	TransactionTTL time.Duration
	// CodeTTL is the life of an authorization code.
	CodeTTL time.Duration
	// MaxLive bounds the transactions that wait for consent, those that are under way behind it, and logins to the account
	// page, each for itself.
	MaxLive int
	// AccountTTL is the life of a sign-in to the account page.
	AccountTTL time.Duration
}

// Flow runs authorization transactions.
type Flow struct {
	deps   Deps
	config Config
}

// New returns a Flow.
func New(deps Deps, config Config) *Flow { return &Flow{deps: deps, config: config} }

// Redirect is an authorization response to a client.
type Redirect struct {
	URI         string
	Automatic   bool
	Destination string
	Code        oauth.Code // empty on success
	Description string
}

// target is where the answers of one transaction go.
type target struct {
	uri      oauth.RedirectURI
	state    string
	hasState bool
	trusted  bool
}

func targetOf(client storage.Client, uri oauth.RedirectURI, state string, hasState bool) target {
	return target{uri: uri, state: state, hasState: hasState, trusted: client.Origin == storage.OriginOperator}
}

// respond builds an authorization response. State is returned exactly, and every response names the issuer.
func (f *Flow) respond(to target, params ...oauth.Param) string {
	if to.hasState {
		params = append(params, oauth.Param{Name: "state", Value: to.state})
	}
	return to.uri.WithResponse(append(params, oauth.Param{Name: "iss", Value: f.config.Issuer})...)
}

// succeed sends the code to the client. The user has approved this destination, so nothing is left to ask.
func (f *Flow) succeed(to target, code secret.Text) Redirect {
	return Redirect{
		URI:         f.respond(to, oauth.Param{Name: "code", Value: code.Reveal()}),
		Automatic:   true,
		Destination: to.uri.Destination(),
	}
}

// fail tells the client about an error. A client that registered itself gets the browser only after the user agrees,
// since anybody can register any site; a loopback port is no phishing site, and a program waits there (RFC 9700
// section 4.11.2).
func (f *Flow) fail(to target, err *oauth.Error) Redirect {
	return Redirect{
		URI: f.respond(to,
			oauth.Param{Name: "error", Value: string(err.Code)},
			oauth.Param{Name: "error_description", Value: err.Description}),
		Automatic:   to.trusted || to.uri.Kind() == oauth.RedirectLoopback,
		Destination: to.uri.Destination(),
		Code:        err.Code,
		Description: err.Description,
	}
}

// translate gives the sentinels of a store their public meaning.
func translate(err error) error {
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return oauth.NewError(oauth.TransactionExpired, "This login has expired. Start again from your app.").WithCause(err)
	case errors.Is(err, storage.ErrUsed):
		return oauth.NewError(oauth.TransactionUsed, "This login was finished already. Start again from your app.").WithCause(err)
	case errors.Is(err, storage.ErrWrongBrowser):
		return oauth.NewError(oauth.WrongBrowser, "This login was approved in another browser.").WithCause(err)
	}
	return oauth.Unavailable(err)
}
