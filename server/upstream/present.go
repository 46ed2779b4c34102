package upstream

import (
	"context"
	"net/http"
	"strings"
)

// present uses the access token at the userinfo endpoint, to see whether it is accepted. Only a challenge that names the
// token is a refusal of it (RFC 6750 section 3.1).
func (p *OIDC) present(ctx context.Context, endpoint string, tokens Tokens) error {
	const what = "userinfo"
	got, err := get(ctx, p.client, what, endpoint, tokens.AccessToken)
	switch {
	case err != nil:
		return err
	case got.status == http.StatusUnauthorized && refusesToken(got.header):
		return newError(KindNotHeld, "the provider does not accept the access token any more")
	case got.status != http.StatusOK:
		return statusError(what, got.status, got.header, p.now())
	}
	claims, err := parseObject(got.body)
	if err != nil {
		return newError(KindGarbage, "%s: %w", what, err)
	}
	subject, err := claims.text("sub")
	if err != nil || subject == "" {
		return newError(KindGarbage, "%s: it has no subject", what)
	}
	if want, _ := oldClaims(tokens.IDToken).text("sub"); want != "" && subject != want {
		return newError(KindInvalidToken, "%s is about another subject", what)
	}
	return nil
}

// refusesToken reports whether one of the challenges is about the token.
func refusesToken(header http.Header) bool {
	for _, challenge := range header.Values("WWW-Authenticate") {
		scheme, parameters, _ := strings.Cut(challenge, " ")
		for parameter := range strings.SplitSeq(parameters, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			if strings.EqualFold(scheme, "Bearer") && name == "error" && strings.Trim(value, `"`) == "invalid_token" {
				return true
			}
		}
	}
	return false
}
