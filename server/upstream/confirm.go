package upstream

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
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

// subject returns whom stored tokens are about. The access token comes first, since a provider may know one person under
// different names in different tokens; one that is opaque or names nobody leaves it to the ID token.
func (v *verifier) subject(tokens Tokens) string {
	access, _ := v.issuedHere(tokens.AccessToken)
	ofAccess, _ := access.claims.text("sub")
	ofID, _ := oldClaims(tokens.IDToken).text("sub")
	return cmp.Or(ofAccess, ofID)
}
