package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// Bounds of PKCE values in characters (RFC 7636 sections 4.1 and 4.2).
const (
	minVerifier     = 43
	maxVerifier     = 128
	challengeLength = 43
)

// MethodS256 is the one code challenge method that is supported (RFC 7636 section 4.2).
const MethodS256 = "S256"

// Challenge is a PKCE code challenge made with S256 (RFC 7636 section 4.2). The zero value fits no verifier.
type Challenge string

// ParseChallenge reads code_challenge_method and code_challenge. S256 is required of every client; an absent method
// would mean "plain" and is refused like it. An error is an *Error with InvalidRequest.
func ParseChallenge(method, challenge string) (Challenge, error) {
	if challenge == "" {
		return "", NewError(InvalidRequest, "code_challenge is required")
	}
	if method != MethodS256 {
		return "", NewError(InvalidRequest, "code_challenge_method must be S256")
	}
	if len(challenge) != challengeLength || !consistsOf(challenge, "-_") {
		return "", NewError(InvalidRequest, "code_challenge must be 43 characters of base64url")
	}
	return Challenge(challenge), nil
}

// ChallengeOf returns the challenge that fits a verifier.
func ChallengeOf(verifier string) Challenge {
	sum := sha256.Sum256([]byte(verifier))
	return Challenge(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// Verify checks a code_verifier against the challenge in constant time (RFC 7636 section 4.6). An error is an *Error:
// InvalidRequest for a missing verifier, InvalidGrant for one that is malformed or does not fit.
func (c Challenge) Verify(verifier string) error {
	if verifier == "" {
		return NewError(InvalidRequest, "code_verifier is required")
	}
	if len(verifier) < minVerifier || len(verifier) > maxVerifier || !consistsOf(verifier, "-._~") {
		return NewError(InvalidGrant, "code_verifier must be 43 to 128 unreserved characters")
	}
	if subtle.ConstantTimeCompare([]byte(ChallengeOf(verifier)), []byte(c)) != 1 {
		return NewError(InvalidGrant, "code_verifier does not fit the code_challenge")
	}
	return nil
}
