package verifier

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// Principal is a verified token: who calls, through which client, and with which rights. Only a Verifier makes one, so a
// function that takes a Principal cannot be reached by somebody who was not verified. The zero Principal is nobody.
type Principal struct {
	answer *gatehousev1.VerifyTokenResponse
}

// Identity is the user as the provider described them. Provider, Issuer and Subject identify; everything else is for
// display, may change and may be empty.
type Identity struct {
	// Provider is the configured name of the provider.
	Provider string
	// Issuer is the provider's issuer identifier.
	Issuer string
	// Subject is the provider's own immutable name for the user.
	Subject string
	// Name is the full name.
	Name string
	// GivenName is the first name.
	GivenName string
	// FamilyName is the last name.
	FamilyName string
	// Email is the address that the provider knows.
	Email string
	// EmailVerified reports that the provider says that it verified Email.
	EmailVerified bool
	// PreferredUsername is the login name.
	PreferredUsername string
	// Groups are the groups that the provider tells.
	Groups []string
}

// Subject returns the opaque, stable identifier of the user.
func (p Principal) Subject() string { return p.answer.GetSubject() }

// ClientID returns the identifier of the client that holds the token.
func (p Principal) ClientID() string { return p.answer.GetClientId() }

// GrantID returns the identifier of the authorization that the token comes from. It stays the same over refreshes.
func (p Principal) GrantID() string { return p.answer.GetGrantId() }

// ExpireTime returns when the token expires.
func (p Principal) ExpireTime() time.Time { return p.answer.GetExpireTime().AsTime() }

// Scopes returns the scopes of the token.
func (p Principal) Scopes() []string { return slices.Clone(p.answer.GetScopes()) }

// HasScope reports whether the token carries a scope. Scopes are compared exactly.
func (p Principal) HasScope(scope string) bool { return slices.Contains(p.answer.GetScopes(), scope) }

// Identity returns who the user is at the provider, as far as the policy of the server tells it.
func (p Principal) Identity() Identity {
	i := p.answer.GetIdentity()
	return Identity{
		Provider:          i.GetProvider(),
		Issuer:            i.GetIssuer(),
		Subject:           i.GetSubject(),
		Name:              i.GetName(),
		GivenName:         i.GetGivenName(),
		FamilyName:        i.GetFamilyName(),
		Email:             i.GetEmail(),
		EmailVerified:     i.GetEmailVerified(),
		PreferredUsername: i.GetPreferredUsername(),
		Groups:            slices.Clone(i.GetGroups()),
	}
}

// String names subject, client and grant. Nothing of it is a secret, and nothing of it says who the user is elsewhere.
func (p Principal) String() string {
	return fmt.Sprintf("principal(sub=%q client=%q grant=%q)", p.Subject(), p.ClientID(), p.GrantID())
}

// GoString is the same as String, so that %#v does not print the identity either.
func (p Principal) GoString() string { return p.String() }

// LogValue is a group of subject, client and grant.
func (p Principal) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("subject", p.Subject()),
		slog.String("client_id", p.ClientID()),
		slog.String("grant_id", p.GrantID()),
	)
}

// admission is what a context carries. It is stored by pointer, so that printing a context with any verb shows an
// address and never the token.
type admission struct {
	principal Principal
	token     string
}

type admissionKey struct{}

func withAdmission(ctx context.Context, a *admission) context.Context {
	return context.WithValue(ctx, admissionKey{}, a)
}

func admissionFrom(ctx context.Context) *admission {
	a, _ := ctx.Value(admissionKey{}).(*admission)
	return a
}

// PrincipalFrom returns the principal that Middleware or an interceptor put into a context. The second result is false
// in a context that passed neither.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	a := admissionFrom(ctx)
	if a == nil {
		return Principal{}, false
	}
	return a.principal, true
}
