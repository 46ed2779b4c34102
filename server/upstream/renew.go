package upstream

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Renew implements Provider.
func (p *OIDC) Renew(ctx context.Context, tokens Tokens) (Login, error) {
	if tokens.RefreshToken.IsEmpty() {
		return Login{}, newError(KindNotHeld, "there is no refresh token")
	}
	md, err := p.ready(ctx)
	if err != nil {
		return Login{}, err
	}
	fresh, err := p.redeem(ctx, func(ctx context.Context) (*oauth2.Token, error) {
		spent := &oauth2.Token{RefreshToken: tokens.RefreshToken.Reveal()}
		return p.oauth2(md).TokenSource(ctx, spent).Token()
	})
	if err != nil {
		return Login{}, err
	}
	login, err := p.renewed(ctx, md, tokens, fresh)
	switch {
	case KindOf(err) == KindAnotherSubject:
		return Login{}, err
	case err != nil:
		return Login{Tokens: withRefreshToken(tokens, fresh)}, err
	}
	return login, nil
}

// renewed verifies the answer and completes it with what the provider left out.
func (p *OIDC) renewed(ctx context.Context, md metadata, old, fresh Tokens) (Login, error) {
	before := oldClaims(old.IDToken)
	carried := withRefreshToken(old, fresh)
	fresh.RefreshToken, fresh.RefreshExpireTime = carried.RefreshToken, carried.RefreshExpireTime
	if fresh.Scope == "" {
		fresh.Scope = old.Scope
	}
	var login Login
	var err error
	if fresh.IDToken.IsEmpty() {
		fresh.IDToken = old.IDToken
		login.Identity, login.SessionID = newIdentity(before), cleanClaim(before, "sid")
		login.Tokens, err = p.verifiedAccess(ctx, fresh)
	} else {
		login, err = p.verified(ctx, md, fresh, secret.Text{})
	}
	if err != nil {
		return Login{}, err
	}
	if err := p.verifier.sameHolder(old.AccessToken, fresh.AccessToken); err != nil {
		return Login{}, err
	}
	return login, sameSession(before, oldClaims(fresh.IDToken))
}

// withRefreshToken returns the old tokens with the refresh token that stands after a renewal.
func withRefreshToken(old, fresh Tokens) Tokens {
	if !fresh.RefreshToken.IsEmpty() && !fresh.RefreshToken.Equal(old.RefreshToken) || !fresh.RefreshExpireTime.IsZero() {
		old.RefreshExpireTime = fresh.RefreshExpireTime
	}
	if !fresh.RefreshToken.IsEmpty() {
		old.RefreshToken = fresh.RefreshToken
	}
	return old
}

// oldClaims reads an ID token that was verified before it was stored. Its key may be gone by now.
func oldClaims(token secret.Text) object {
	parsed, err := parseJWT(token)
	if err != nil {
		return object{}
	}
	return parsed.claims
}

// sameSession compares the ID token of a renewal with the one before (OpenID Connect Core section 12.2).
func sameSession(before, after object) error {
	was, _ := before.text("sub")
	is, _ := after.text("sub")
	if was != "" && was != is {
		return newError(KindAnotherSubject, "renewal is about another subject")
	}
	if before.has("nonce") && after.has("nonce") && string(before["nonce"]) != string(after["nonce"]) {
		return newError(KindInvalidToken, "renewal has another nonce")
	}
	return nil
}

// sameHolder compares two verified access tokens of the provider, where both name their subject.
func (v *verifier) sameHolder(before, after secret.Text) error {
	old, _ := v.issuedHere(before)
	fresh, _ := v.issuedHere(after)
	was, _ := old.claims.text("sub")
	is, _ := fresh.claims.text("sub")
	if was != "" && is != "" && was != is {
		return newError(KindAnotherSubject, "renewed access token is about another subject")
	}
	return nil
}
