// Package grant answers the token endpoint: one file per grant type.
package grant

import (
	"context"
	"log/slog"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/token"
)

// Clients authenticates the client of a request.
type Clients interface {
	Authenticate(ctx context.Context, credentials registration.Credentials) (storage.ClientAuthentication, error)
	// Recognize takes the word of a moment ago, and says when it did.
	Recognize(
		ctx context.Context, credentials registration.Credentials,
	) (client storage.ClientAuthentication, remembered bool, err error)
}

// Minter signs access tokens.
type Minter interface {
	Mint(subject token.Subject, expiry time.Time) (secret.Text, error)
}

// Parser reads access tokens.
type Parser interface {
	Parse(token string) (token.Claims, error)
}

// Store keeps codes and grants.
type Store interface {
	storage.Codes
	storage.Grants
}

// Revoker tells verifiers that grants have ended.
type Revoker interface {
	Revoked(grantIDs ...string)
}

// Deps is what an Exchanger needs.
type Deps struct {
	Clients       Clients
	Store         Store
	Minter        Minter
	Parser        Parser
	RefreshTokens *token.RefreshTokens
	Revoker       Revoker
	Now           func() time.Time
	Logger        *slog.Logger
}

// Config is the lifetimes of what is issued.
type Config struct {
	Resources       oauth.Resources
	AccessTokenTTL  time.Duration
	RefreshIdleTTL  time.Duration
	RefreshGrace    time.Duration
	GrantMaximumTTL time.Duration
}

// Exchanger answers token requests.
type Exchanger struct {
	deps   Deps
	config Config
}

// New returns an Exchanger.
func New(deps Deps, config Config) *Exchanger { return &Exchanger{deps: deps, config: config} }

// Types returns the grant types that the token endpoint answers, for the server metadata.
func Types() []string {
	return []string{registration.GrantAuthorizationCode, registration.GrantRefreshToken}
}

// Request is a token request (RFC 6749 sections 4.1.3 and 6).
type Request struct {
	Credentials  registration.Credentials
	GrantType    string
	Code         secret.Text
	RedirectURI  string
	CodeVerifier secret.Text
	RefreshToken secret.Text
	Scope        string
	Resource     string
}

// Response is a token response (RFC 6749 section 5.1).
type Response struct {
	AccessToken  secret.Text
	ExpiresIn    time.Duration
	RefreshToken secret.Text // empty when the client may not refresh
	Scope        oauth.Scopes
}

// Exchange authenticates the client, then answers by grant type. Every grant type goes through here, so that no check
// above the switch can be missing from one of them.
func (e *Exchanger) Exchange(ctx context.Context, request Request) (Response, error) {
	if request.GrantType == "" {
		return Response{}, oauth.NewError(oauth.InvalidRequest, "grant_type is missing.")
	}
	client, remembered, err := e.deps.Clients.Recognize(ctx, request.Credentials)
	if err != nil {
		return Response{}, err
	}
	response, err := e.answer(ctx, client, request)
	if err != nil && remembered && oauth.CodeOf(err) != oauth.TemporarilyUnavailable {
		// A client that was deleted a moment ago is told so, not that its grant is over. In an outage it would wait twice.
		if _, gone := e.deps.Clients.Authenticate(ctx, request.Credentials); gone != nil {
			return Response{}, gone
		}
	}
	return response, err
}

func (e *Exchanger) answer(ctx context.Context, client storage.ClientAuthentication, request Request) (Response, error) {
	switch request.GrantType {
	case registration.GrantAuthorizationCode:
		return e.authorizationCode(ctx, client, request)
	case registration.GrantRefreshToken:
		return e.refreshToken(ctx, client, request)
	default:
		return Response{}, oauth.NewError(oauth.UnsupportedGrantType,
			"The token endpoint supports authorization_code and refresh_token.")
	}
}

// checkResource compares the resource of a request with what was authorised (RFC 8707 section 2.2).
func (e *Exchanger) checkResource(requested, authorised string) error {
	if requested == "" {
		return nil
	}
	resource, err := e.config.Resources.Select([]string{requested})
	if err != nil {
		return err
	}
	if resource.URI != authorised {
		return errOtherResource()
	}
	return nil
}

func errOtherResource() *oauth.Error {
	return oauth.NewError(oauth.InvalidTarget, "The grant is for another resource.")
}
