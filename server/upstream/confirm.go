package upstream

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Confirm implements Provider.
func (p *OIDC) Confirm(ctx context.Context, tokens Tokens) error {
	if tokens.AccessToken.IsEmpty() {
		return newError(KindNotHeld, "there is no access token")
	}
	if expiry := p.verifier.accessExpiry(tokens); !expiry.IsZero() && p.verifier.over(expiry) {
		return newError(KindNotHeld, "the access token has expired")
	}
	md, err := p.metadata.get(ctx)
	if err != nil {
		return err
	}
	introspection, userinfo := md.value.introspectionEndpoint, md.value.userinfoEndpoint
	switch {
	case introspection != "" && p.verifier.mayIntrospect(tokens.AccessToken):
		return p.introspect(ctx, introspection, tokens)
	case introspection != "" && userinfo != "":
		return p.present(ctx, userinfo, tokens)
	}
	return p.Check(ctx, tokens)
}

// mayIntrospect reports whether the provider would tell us about an access token. To whom is not its audience, Keycloak
// (since 26.6.2) and others say that every token is inactive, and Keycloak does not make the client to which it issues a
// token its audience unless told to. An opaque token does not say for whom it is.
func (v *verifier) mayIntrospect(accessToken secret.Text) bool {
	token, ok := v.issuedHere(accessToken)
	if !ok {
		return true
	}
	audience, err := token.claims.texts("aud")
	return err == nil && slices.Contains(audience, v.clientID)
}

// accessExpiry returns when the access token ends, by its own word if it is a JWT that was verified before it was stored;
// zero when no end is known.
func (v *verifier) accessExpiry(tokens Tokens) time.Time {
	if token, ok := v.issuedHere(tokens.AccessToken); ok {
		if expiry, err := token.claims.date("exp"); err == nil && !expiry.IsZero() {
			return expiry
		}
	}
	return tokens.AccessExpireTime
}
