package upstream

import (
	"context"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// leeway tolerates clock skew between the provider and us.
const leeway = time.Minute

// verifier checks JWTs of one provider.
type verifier struct {
	issuer     string
	clientID   string
	algorithms []jwa.SignatureAlgorithm
	keys       *lastGood[keySet]
	logoutAge  time.Duration // after which a logout token is not accepted any more
	now        func() time.Time
}

// signed returns the claims of a JWT that the provider signed. The algorithm is one of ours, whatever the header asks
// for (RFC 8725 section 3.1). Errors are KindInvalidToken, or KindUnavailable when the keys at hand give no verdict.
func (v *verifier) signed(ctx context.Context, token jwt) (object, error) {
	if !slices.Contains(v.algorithms, token.algorithm) {
		return nil, newError(KindInvalidToken, "algorithm is not allowed")
	}
	began := v.now()
	seen, err := v.keys.get(ctx)
	if err != nil {
		return nil, err
	}
	if claims, ok := token.verify(seen.value.candidates(token.keyID, token.algorithm)); ok {
		return claims, nil
	}
	// The provider may have a new key, or new material under an old id.
	set, err := v.keys.renew(ctx, seen)
	if err != nil {
		return nil, err
	}
	if claims, ok := token.verify(set.value.candidates(token.keyID, token.algorithm)); ok {
		return claims, nil
	}
	issued, _ := token.claims.date("iat")
	asked := set != seen && !set.loadTime.Before(began)
	if !asked && set.loadTime.Before(issued.Add(leeway)) {
		// Keys that may be older than the token prove nothing. The next renewal will tell.
		err := newError(KindUnavailable, "keys predate the token and were renewed just now")
		err.RetryAfter = renewInterval
		return nil, err
	}
	return nil, newError(KindInvalidToken, "no key of the provider made the signature")
}

// issuedHere reports whether a token is a JWT that names the provider as its issuer. What is no such JWT is opaque to
// us.
func (v *verifier) issuedHere(token secret.Text) (jwt, bool) {
	parsed, err := parseJWT(token)
	if err != nil {
		return jwt{}, false
	}
	issuer, err := parsed.claims.text("iss")
	return parsed, err == nil && issuer == v.issuer
}

// accessToken verifies an access token that is a JWT of the provider. It must be meant for us or have been issued to
// us: Keycloak writes aud=account and azp=us, RFC 9068 section 2.2 has client_id.
func (v *verifier) accessToken(ctx context.Context, token jwt) (expiry time.Time, err error) {
	if !token.hasType("jwt", "at+jwt") {
		return time.Time{}, newError(KindInvalidToken, "access token has the type of another token")
	}
	claims, err := v.signed(ctx, token)
	if err != nil {
		return time.Time{}, err
	}
	if issuer, err := claims.text("iss"); err != nil || issuer != v.issuer {
		return time.Time{}, newError(KindInvalidToken, "access token has another issuer")
	}
	if !v.namesUs(claims) {
		return time.Time{}, newError(KindInvalidToken, "access token belongs to another client")
	}
	expiry, err = claims.date("exp")
	if err != nil || expiry.IsZero() {
		return time.Time{}, newError(KindInvalidToken, "access token has no valid expiry")
	}
	if notBefore, err := claims.date("nbf"); err != nil || notBefore.After(v.now().Add(leeway)) {
		return time.Time{}, newError(KindInvalidToken, "access token is not valid yet")
	}
	return expiry, nil
}

func (v *verifier) namesUs(claims object) bool {
	if audience, err := claims.texts("aud"); err == nil && slices.Contains(audience, v.clientID) {
		return true
	}
	for _, name := range []string{"azp", "client_id"} {
		if party, err := claims.text(name); err == nil && party == v.clientID {
			return true
		}
	}
	return false
}

// over reports whether an expiry lies in the past, with leeway.
func (v *verifier) over(expiry time.Time) bool { return !v.now().Before(expiry.Add(leeway)) }
