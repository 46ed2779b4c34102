// Package logout ends grants, and sign-ins to the account page, when the provider says that a session of its own is over
// (OpenID Connect Back-Channel Logout 1.0), so that who logs out there is logged out here, before the next time that the provider would be asked.
package logout

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/identifier"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// skew is how much later than a logout, by our clock, a login may look that was before it. The provider counts in whole
// seconds.
const skew = 10 * time.Second

// Provider is the identity provider, as far as its logouts need it.
type Provider interface {
	Name() string
	// ReadLogoutToken verifies a logout token. KindInvalidToken is a verdict; any other error is an outage.
	ReadLogoutToken(ctx context.Context, raw secret.Text) (upstream.LogoutToken, error)
}

// Grants ends grants, and codes on their way to one.
type Grants interface {
	RevokeGrants(ctx context.Context, filter storage.GrantFilter, reason string) ([]string, error)
}

// Credentials finds what came from a session of the provider.
type Credentials interface {
	CredentialsBySession(ctx context.Context, provider, sessionID string) ([]storage.Credential, error)
}

// Sessions ends sign-ins to the account page.
type Sessions interface {
	DeleteAccountSessionsOfUser(ctx context.Context, userID string, until time.Time) (int, error)
	DeleteAccountSessionsOfProvider(ctx context.Context, provider, sessionID, userID string) (int, error)
}

// Revoker tells verifiers that grants have ended.
type Revoker interface {
	Revoked(grantIDs ...string)
}

// Deps is what a Receiver needs.
type Deps struct {
	Provider    Provider
	Grants      Grants
	Credentials Credentials
	Sessions    Sessions
	Assertions  storage.Assertions
	Revoker     Revoker
	Now         func() time.Time
	Logger      *slog.Logger
}

// Receiver takes in logout tokens.
type Receiver struct {
	deps Deps
}

// New returns a Receiver.
func New(deps Deps) *Receiver { return &Receiver{deps: deps} }

// Logout ends the grants and the sign-ins that stand on what a logout token says is over, and returns the ids of the
// grants. Every error is an *oauth.Error: invalid_request for a token that is not good or was used before, and otherwise an
// outage, after which the same token may come again.
//
// They end first, and only then is the token recorded as used. The other way round, an outage in between would spend the
// token and leave the grants. Ending grants twice is no harm, and a replay finds nothing: it is about a session
// that is over, or about logins before the token was issued.
func (r *Receiver) Logout(ctx context.Context, raw secret.Text) (revoked []string, err error) {
	token, err := r.deps.Provider.ReadLogoutToken(ctx, raw)
	switch upstream.KindOf(err) {
	case "":
	case upstream.KindInvalidToken:
		return nil, oauth.NewError(oauth.InvalidRequest, "The logout token is not valid.").WithCause(err)
	default:
		return nil, oauth.Unavailable(err)
	}
	revoked, signedOut, err := r.end(ctx, token)
	r.deps.Revoker.Revoked(revoked...) // those that ended before an outage have ended, too
	if err != nil {
		return nil, oauth.Unavailable(err)
	}
	switch err := r.deps.Assertions.UseAssertion(ctx, digest(token), token.Expire); {
	case errors.Is(err, storage.ErrUsed):
		return nil, oauth.NewError(oauth.InvalidRequest, "The logout token was used before.")
	case err != nil:
		return nil, oauth.Unavailable(err)
	}
	r.deps.Logger.InfoContext(ctx, "the provider ended a session",
		"provider", r.deps.Provider.Name(), "whole_person", token.SessionID == "", "grants", len(revoked), "sign_ins", signedOut)
	return revoked, nil
}

// end ends what a token is about, and returns which grants and how many sign-ins, also beside an error.
func (r *Receiver) end(ctx context.Context, token upstream.LogoutToken) (revoked []string, signedOut int, err error) {
	name, userID := r.deps.Provider.Name(), ""
	if token.Subject != "" {
		userID = identifier.User(name, token.Issuer, token.Subject)
	}
	if token.SessionID != "" {
		if revoked, err = r.endSession(ctx, token.SessionID, userID); err == nil {
			signedOut, err = r.deps.Sessions.DeleteAccountSessionsOfProvider(ctx, name, token.SessionID, userID)
		}
		return revoked, signedOut, err
	}
	// Later logins are new ones, which a token that was delayed or replayed must not end.
	until := token.IssuedAt.Add(skew)
	if revoked, err = r.revoke(ctx, storage.GrantFilter{UserID: userID, CreatedUntil: until}); err == nil {
		signedOut, err = r.deps.Sessions.DeleteAccountSessionsOfUser(ctx, userID, until)
	}
	return revoked, signedOut, err
}

// endSession revokes the grants that stand on one session of the provider. A token that also names a person ends
// nobody else's.
func (r *Receiver) endSession(ctx context.Context, sessionID, userID string) ([]string, error) {
	credentials, err := r.deps.Credentials.CredentialsBySession(ctx, r.deps.Provider.Name(), sessionID)
	if err != nil {
		return nil, err
	}
	var revoked []string
	for _, credential := range credentials {
		if userID != "" && credential.UserID != userID {
			continue
		}
		ids, err := r.revoke(ctx, storage.GrantFilter{CredentialID: credential.ID})
		if err != nil {
			return revoked, err
		}
		revoked = append(revoked, ids...)
	}
	return revoked, nil
}

func (r *Receiver) revoke(ctx context.Context, filter storage.GrantFilter) ([]string, error) {
	filter.Now = r.deps.Now()
	return r.deps.Grants.RevokeGrants(ctx, filter, storage.RevokedByLogout)
}

// digest is what is recorded of a token. The length keeps two pairs of issuer and id apart.
func digest(token upstream.LogoutToken) secret.Hash {
	return secret.NewText("logout " + strconv.Itoa(len(token.Issuer)) + ":" + token.Issuer + token.ID).Hash()
}
