package upstream

import (
	"context"
)

// Check implements Provider.
func (p *OIDC) Check(ctx context.Context, tokens Tokens) error {
	if tokens.AccessToken.IsEmpty() {
		return newError(KindNotHeld, "there is no access token")
	}
	expiry := tokens.AccessExpireTime
	if token, ok := p.verifier.issuedHere(tokens.AccessToken); ok {
		claimed, err := p.verifier.accessToken(ctx, token)
		if err != nil {
			return notHeld(err)
		}
		expiry = claimed
	} else if !tokens.IDToken.IsEmpty() {
		if _, _, err := p.verifier.storedIDToken(ctx, tokens.IDToken); err != nil {
			return notHeld(err)
		}
	}
	if expiry.IsZero() || !p.verifier.over(expiry) {
		return nil
	}
	if tokens.RefreshToken.IsEmpty() {
		return newError(KindNotHeld, "the access token has expired and there is no refresh token")
	}
	if end := tokens.RefreshExpireTime; !end.IsZero() && !p.now().Before(end) {
		return newError(KindNotHeld, "access and refresh token have expired")
	}
	return nil
}

// notHeld turns the verdict on a stored token into the answer of Check. Outages stay outages.
func notHeld(err error) error {
	if KindOf(err) == KindInvalidToken {
		return newError(KindNotHeld, "stored token: %w", err)
	}
	return err
}
