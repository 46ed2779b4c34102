package upstream

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

const (
	// maxClaim bounds a claim that is taken into an identity, in bytes.
	maxClaim = 320
	// maxGroups bounds the groups that are taken.
	maxGroups = 1000
)

// newIdentity reads verified claims. A claim that is no clean text is left out whole and never repaired: policy may
// compare it, and a repaired value could equal somebody else's.
func newIdentity(claims object) Identity {
	issuer, _ := claims.text("iss")
	subject, _ := claims.text("sub")
	return Identity{
		Issuer:            issuer,
		Subject:           subject,
		Name:              cleanClaim(claims, "name"),
		GivenName:         cleanClaim(claims, "given_name"),
		FamilyName:        cleanClaim(claims, "family_name"),
		Email:             cleanClaim(claims, "email"),
		EmailVerified:     cleanClaim(claims, "email") != "" && claims.flag("email_verified"),
		PreferredUsername: cleanClaim(claims, "preferred_username"),
		Groups:            groups(claims),
	}
}

func cleanClaim(claims object, name string) string {
	value, err := claims.text(name)
	if err != nil || !isClean(value) {
		return ""
	}
	return value
}

func groups(claims object) []string {
	all, err := claims.texts("groups")
	if err != nil {
		return nil
	}
	var clean []string
	for _, group := range all {
		if group != "" && isClean(group) && len(clean) < maxGroups {
			clean = append(clean, group)
		}
	}
	return clean
}

// isClean reports whether a text is short and free of control, formatting and replacement characters.
func isClean(s string) bool {
	return len(s) <= maxClaim && !strings.ContainsFunc(s, func(r rune) bool {
		return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	})
}

// isPrintable reports whether a text is printable ASCII.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// complete fills in from the userinfo endpoint what the ID token left out. Only a subject that differs is fatal (OpenID
// Connect Core section 5.3.2); a login does not fail for want of a name.
func (p *OIDC) complete(ctx context.Context, identity Identity, endpoint string, accessToken secret.Text) (Identity, error) {
	if endpoint == "" || identity.Name != "" && identity.Email != "" {
		return identity, nil
	}
	claims, err := p.userinfo(ctx, endpoint, accessToken)
	if err != nil {
		p.logger.WarnContext(ctx, "userinfo not available", "provider", p.name, "error", err)
		return identity, nil
	}
	if subject, err := claims.text("sub"); err != nil || subject != identity.Subject {
		return Identity{}, newError(KindInvalidToken, "userinfo is about another subject")
	}
	return merge(identity, newIdentity(claims)), nil
}

func (p *OIDC) userinfo(ctx context.Context, endpoint string, accessToken secret.Text) (object, error) {
	body, err := fetch(ctx, p.client, "userinfo", endpoint, accessToken, p.now())
	if err != nil {
		return nil, err
	}
	claims, err := parseObject(body)
	if err != nil {
		return nil, newError(KindGarbage, "userinfo: %w", err)
	}
	return claims, nil
}

// merge keeps what the ID token says. An address and the word on it come from one source.
func merge(identity, more Identity) Identity {
	for _, field := range []struct{ to, from *string }{
		{&identity.Name, &more.Name},
		{&identity.GivenName, &more.GivenName},
		{&identity.FamilyName, &more.FamilyName},
		{&identity.PreferredUsername, &more.PreferredUsername},
	} {
		if *field.to == "" {
			*field.to = *field.from
		}
	}
	if identity.Email == "" {
		identity.Email, identity.EmailVerified = more.Email, more.EmailVerified
	}
	if identity.Groups == nil {
		identity.Groups = more.Groups
	}
	return identity
}
