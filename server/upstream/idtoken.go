package upstream

import (
	"context"
	"crypto"
	"crypto/subtle"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// maxSubject bounds a subject in bytes (OpenID Connect Core section 2).
const maxSubject = 255

// idToken verifies an ID token that was just issued (OpenID Connect Core section 3.1.3.7) and returns its claims. The
// nonce is compared when the caller has one; the access token when the ID token hashes it.
func (v *verifier) idToken(ctx context.Context, token, nonce, accessToken secret.Text) (object, error) {
	claims, algorithm, err := v.storedIDToken(ctx, token)
	if err != nil {
		return nil, err
	}
	if expiry, err := claims.date("exp"); err != nil || expiry.IsZero() || v.over(expiry) {
		return nil, newError(KindInvalidToken, "ID token has expired or has no valid expiry")
	}
	if issued, err := claims.date("iat"); err != nil || issued.IsZero() || issued.After(v.now().Add(leeway)) {
		return nil, newError(KindInvalidToken, "ID token is from the future or has no valid time of issue")
	}
	if notBefore, err := claims.date("nbf"); err != nil || notBefore.After(v.now().Add(leeway)) {
		return nil, newError(KindInvalidToken, "ID token is not valid yet")
	}
	if !nonce.IsEmpty() {
		got, err := claims.text("nonce")
		if err != nil || !secret.NewText(got).Equal(nonce) {
			return nil, newError(KindInvalidToken, "ID token has another nonce")
		}
	}
	if hash, err := claims.text("at_hash"); err != nil || claims.has("at_hash") && !hashes(hash, algorithm, accessToken) {
		return nil, newError(KindInvalidToken, "ID token was issued with another access token")
	}
	return claims, nil
}

// storedIDToken verifies what does not wear off: signature, issuer, audience and subject.
func (v *verifier) storedIDToken(ctx context.Context, token secret.Text) (object, jwa.SignatureAlgorithm, error) {
	parsed, err := parseJWT(token)
	if err != nil {
		return nil, "", newError(KindInvalidToken, "ID token: %w", err)
	}
	if !parsed.hasType("jwt") {
		return nil, "", newError(KindInvalidToken, "ID token has the type of another token")
	}
	claims, err := v.signed(ctx, parsed)
	if err != nil {
		return nil, "", err
	}
	if issuer, err := claims.text("iss"); err != nil || issuer != v.issuer {
		return nil, "", newError(KindInvalidToken, "ID token has another issuer")
	}
	if !v.isAudience(claims) {
		return nil, "", newError(KindInvalidToken, "ID token is not for this client alone")
	}
	if subject, err := claims.text("sub"); err != nil || !validSubject(subject) {
		return nil, "", newError(KindInvalidToken, "ID token has no valid subject")
	}
	return claims, parsed.algorithm, nil
}

// isAudience checks aud and azp. Among several audiences azp must say that the token is ours; where it is present it
// must say so anyway.
func (v *verifier) isAudience(claims object) bool {
	audience, err := claims.texts("aud")
	if err != nil || !slices.Contains(audience, v.clientID) {
		return false
	}
	party, err := claims.text("azp")
	if err != nil {
		return false
	}
	return party == v.clientID || len(audience) == 1 && !claims.has("azp")
}

// validSubject accepts printable ASCII without blanks at the ends. Anything else could be rendered or repaired
// differently somewhere, and two people would become one.
func validSubject(subject string) bool {
	return subject != "" && len(subject) <= maxSubject && isPrintable(subject) && strings.TrimSpace(subject) == subject
}

// hashes reports whether hash is the left half of the access token's digest (OpenID Connect Core section 3.1.3.6).
// Ed25519 hashes with SHA-512 inside, and providers use that for the digest.
func hashes(hash string, algorithm jwa.SignatureAlgorithm, accessToken secret.Text) bool {
	function := crypto.SHA512
	switch {
	case strings.HasSuffix(algorithm.String(), "256"):
		function = crypto.SHA256
	case strings.HasSuffix(algorithm.String(), "384"):
		function = crypto.SHA384
	}
	digest := function.New()
	digest.Write([]byte(accessToken.Reveal()))
	sum := digest.Sum(nil)
	want := segment.EncodeToString(sum[:len(sum)/2])
	return subtle.ConstantTimeCompare([]byte(want), []byte(hash)) == 1
}
