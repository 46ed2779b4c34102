package upstream

import (
	"context"
	"strings"

	"golang.org/x/oauth2"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Exchange implements Provider.
func (p *OIDC) Exchange(ctx context.Context, req ExchangeRequest) (Login, error) {
	md, err := p.ready(ctx)
	if err != nil {
		return Login{}, err
	}
	if err := p.checkCallbackIssuer(md, req.Issuer); err != nil {
		return Login{}, err
	}
	if req.Nonce.IsEmpty() {
		return Login{}, newError(KindInvalidToken, "there is no nonce to compare with")
	}
	tokens, err := p.redeem(ctx, func(ctx context.Context) (*oauth2.Token, error) {
		return p.oauth2(md).Exchange(ctx, req.Code.Reveal(), oauth2.VerifierOption(req.Verifier.Reveal()))
	})
	if err != nil {
		return Login{}, err
	}
	if tokens.IDToken.IsEmpty() {
		return Login{}, newError(KindInvalidToken, "token response has no ID token")
	}
	if tokens.Scope == "" { // as requested (RFC 6749 section 5.1)
		tokens.Scope = strings.Join(p.scopes, " ")
	}
	return p.verified(ctx, md, tokens, req.Nonce)
}

// checkCallbackIssuer compares the iss parameter (RFC 9207 section 2.4) before the code is sent anywhere. A provider
// that announces the parameter must send it.
func (p *OIDC) checkCallbackIssuer(md metadata, issuer string) error {
	switch {
	case issuer == "" && md.issuerParameter:
		return newError(KindInvalidToken, "callback lacks the issuer that the provider announces")
	case issuer != "" && issuer != p.verifier.issuer:
		return newError(KindInvalidToken, "callback is from another issuer")
	}
	return nil
}

// verified checks the tokens of one response and says who they are about.
func (p *OIDC) verified(ctx context.Context, md metadata, tokens Tokens, nonce secret.Text) (Login, error) {
	claims, err := p.verifier.idToken(ctx, tokens.IDToken, nonce, tokens.AccessToken)
	if err != nil {
		return Login{}, err
	}
	if tokens, err = p.verifiedAccess(ctx, tokens); err != nil {
		return Login{}, err
	}
	identity, err := p.complete(ctx, newIdentity(claims), md.userinfoEndpoint, tokens.AccessToken)
	if err != nil {
		return Login{}, err
	}
	return Login{Identity: identity, Tokens: tokens, SessionID: cleanClaim(claims, "sid")}, nil
}

// verifiedAccess checks an access token that is a JWT of the provider. Its own expiry is better than expires_in.
func (p *OIDC) verifiedAccess(ctx context.Context, tokens Tokens) (Tokens, error) {
	token, ok := p.verifier.issuedHere(tokens.AccessToken)
	if !ok {
		return tokens, nil
	}
	expiry, err := p.verifier.accessToken(ctx, token)
	if err != nil {
		return Tokens{}, err
	}
	if p.verifier.over(expiry) {
		return Tokens{}, newError(KindInvalidToken, "access token has expired")
	}
	if latest := p.now().Add(maxLifetime); expiry.After(latest) {
		expiry = latest
	}
	tokens.AccessExpireTime = expiry
	return tokens, nil
}
