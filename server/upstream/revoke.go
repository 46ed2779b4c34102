package upstream

import (
	"context"
	"net/http"
	"net/url"
)

// Revoke implements Provider. A provider that takes back a refresh token ends what it stands for (RFC 7009 section 2.1).
func (p *OIDC) Revoke(ctx context.Context, tokens Tokens) error {
	const what = "revocation endpoint"
	token, hint := tokens.RefreshToken, "refresh_token"
	if token.IsEmpty() {
		token, hint = tokens.AccessToken, "access_token"
	}
	if token.IsEmpty() {
		return nil
	}
	md, err := p.metadata.get(ctx)
	if err != nil {
		return err
	}
	endpoint := md.value.revocationEndpoint
	if endpoint == "" {
		return nil
	}
	got, err := p.post(ctx, what, endpoint, url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}})
	switch {
	case err != nil:
		return err
	case got.status == http.StatusOK, got.refused("unsupported_token_type"):
		return nil
	case got.refused("invalid_grant", "invalid_token"): // Google, where RFC 7009 section 2.2 wants a 200
		return newError(KindInvalidGrant, "%s does not know the token", what)
	}
	return got.failure(what, p.now())
}
