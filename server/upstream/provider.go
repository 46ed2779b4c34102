// Package upstream is the provider side: it sends people to the identity provider that the owner already runs, redeems
// what comes back, verifies it and renews it. To the provider this server is one ordinary confidential client.
//
// Each kind of provider implements Provider. OIDC speaks OpenID Connect; a preset such as KeycloakConfig fills in what
// is particular to one product.
package upstream

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Provider is an identity provider. Implementations are safe for concurrent use. Every error is an *Error; a failure to
// reach the provider is KindUnavailable and never a verdict about a person or a token.
type Provider interface {
	// Name is the configured id, for example "keycloak". It is part of every identity that the provider vouches for.
	Name() string
	// DisplayName is the name for people.
	DisplayName() string
	// AuthorizationURL returns where the browser goes to log in (OpenID Connect Core section 3.1.2.1), with the S256
	// challenge of the verifier. It may fetch the provider's metadata.
	AuthorizationURL(ctx context.Context, req AuthorizationRequest) (string, error)
	// Exchange redeems an authorization code, once and without a retry, and verifies the tokens that come back.
	Exchange(ctx context.Context, req ExchangeRequest) (Login, error)
	// Check reports whether stored tokens still hold, from keys and clock alone. KindNotHeld says that they do not.
	Check(ctx context.Context, tokens Tokens) error
	// Confirm asks the provider whether stored tokens still hold, where it offers introspection (RFC 7662): there, or at
	// the userinfo endpoint when it would not tell us about this token. Otherwise it says what Check says. KindNotHeld says
	// that they do not, and also that the access token has expired: then nobody is asked, and a refresh token may still
	// renew it. KindInvalidToken is an answer about somebody else's token.
	Confirm(ctx context.Context, tokens Tokens) error
	// Renew uses the refresh token, once and without a retry. What the provider leaves out stays as it was (RFC 6749
	// section 6).
	//
	// KindAnotherSubject says that the answer is verified and about somebody else: nothing of it may be kept. When the
	// answer could not be verified, or not now, the Login that comes with the error still has
	// tokens: the old ones with the new refresh token. They must be stored, because the old refresh token may be spent.
	Renew(ctx context.Context, tokens Tokens) (Login, error)
	// Revoke gives tokens back (RFC 7009): the refresh token, or the access token where there is none. It is no error
	// that the provider cannot take back such a token. KindInvalidGrant says that it does not know the token any more.
	Revoke(ctx context.Context, tokens Tokens) error
	// ReadLogoutToken verifies what a provider sends when it has ended a session (OpenID Connect Back-Channel Logout 1.0
	// section 2.6). KindInvalidToken is a verdict; any other kind means that there were no keys to verify it with. Whether
	// the token was used before is for the caller to say.
	ReadLogoutToken(ctx context.Context, raw secret.Text) (LogoutToken, error)
	// Ready reports whether metadata and keys of the provider are loaded. Once they are, an outage does not undo it.
	Ready(ctx context.Context) error
}

// AuthorizationRequest is what an authorization request carries. All three are required.
type AuthorizationRequest struct {
	State    secret.Text
	Nonce    secret.Text
	Verifier secret.Text // of PKCE; its S256 challenge is sent
}

// ExchangeRequest is what came back from the provider, with what was kept for it.
type ExchangeRequest struct {
	Code     secret.Text
	Verifier secret.Text
	Nonce    secret.Text
	Issuer   string // the iss parameter of the callback (RFC 9207); empty when there was none
}

// Login is the outcome of an exchange or a renewal.
type Login struct {
	Identity Identity
	Tokens   Tokens
	// SessionID is the provider's session, the "sid" of the ID token (OpenID Connect Back-Channel Logout 1.0
	// section 2.1); empty when the provider names none.
	SessionID string
}

// Identity is a person as the provider knows them. Issuer and Subject, with the provider's name, are the identity; the
// rest may change at any time and is for display and for explicit policy.
type Identity struct {
	Issuer            string
	Subject           string
	Name              string
	GivenName         string
	FamilyName        string
	Email             string
	EmailVerified     bool
	PreferredUsername string
	Groups            []string
}
