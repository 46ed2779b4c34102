package upstream

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
)

// introspect asks about the access token (RFC 7662 section 2). Only a boolean is a verdict: an answer that lacks it, or
// has it in another type, must neither let in nor lock out.
func (p *OIDC) introspect(ctx context.Context, endpoint string, tokens Tokens) error {
	const what = "introspection endpoint"
	got, err := p.post(ctx, what, endpoint, url.Values{
		"token":           {tokens.AccessToken.Reveal()},
		"token_type_hint": {"access_token"},
	})
	if err != nil {
		return err
	}
	if got.status != http.StatusOK {
		return got.failure(what, p.now())
	}
	claims, err := parseObject(got.body)
	if err != nil {
		return newError(KindGarbage, "%s: %w", what, err)
	}
	active, err := claims.boolean("active")
	switch {
	case err != nil:
		return newError(KindGarbage, "%s: %w", what, err)
	case !active:
		return newError(KindNotHeld, "the provider says that the access token is not active")
	}
	return p.verifier.describes(claims, tokens)
}

// describes compares what an introspection says with the tokens that it was about.
func (v *verifier) describes(claims object, tokens Tokens) error {
	subject, err := claims.text("sub")
	if err != nil {
		return newError(KindGarbage, "introspection endpoint: %w", err)
	}
	if want := v.subject(tokens); want != "" && claims.has("sub") && subject != want {
		return newError(KindInvalidToken, "introspection is about another subject")
	}
	for _, name := range []string{"client_id", "azp"} {
		party, err := claims.text(name)
		if err != nil {
			return newError(KindGarbage, "introspection endpoint: %w", err)
		}
		if claims.has(name) && party != v.clientID {
			return newError(KindInvalidToken, "introspection is about a token of another client")
		}
	}
	return nil
}

// subject returns whom stored tokens are about. The access token comes first, since a provider may know one person under
// different names in different tokens; one that is opaque or names nobody leaves it to the ID token.
func (v *verifier) subject(tokens Tokens) string {
	access, _ := v.issuedHere(tokens.AccessToken)
	ofAccess, _ := access.claims.text("sub")
	ofID, _ := oldClaims(tokens.IDToken).text("sub")
	return cmp.Or(ofAccess, ofID)
}
