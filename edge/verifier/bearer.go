package verifier

import (
	"strings"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// bearerToken reads the token from the values of all Authorization headers of a request. Query, body and cookies are not
// looked at: tokens there end in logs and histories (RFC 6750 section 5.3), and MCP forbids the first.
func bearerToken(authorization []string) (string, error) {
	switch len(authorization) {
	case 0:
		return "", ErrNoCredentials
	case 1:
	default:
		return "", ErrRepeatedCredentials
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", ErrNoCredentials
	}
	// The grammar is 1*SP (RFC 6750 section 2.1).
	token = strings.TrimLeft(token, " ")
	if len(token) > MaxTokenBytes || !isB64Token(token) {
		return "", &Inactive{Reason: gatehousev1.InactiveReason_INACTIVE_REASON_MALFORMED}
	}
	return token, nil
}

// The alphabet of a b64token, as sets of ASCII characters: one bit for each of the first 64, and of the second.
const (
	b64Low  uint64 = 1<<'-' | 1<<'.' | 1<<'+' | 1<<'/' | (1<<10-1)<<'0'
	b64High uint64 = 1<<('_'-64) | 1<<('~'-64) | (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64)
)

// isB64Token reports whether s is a b64token of RFC 6750 section 2.1: one or more characters of its alphabet, then any
// number of equals signs.
func isB64Token(s string) bool {
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		// A shift by 64 or more leaves nothing.
		if c := body[i]; b64Low>>c&1 == 0 && (c < 64 || b64High>>(c-64)&1 == 0) {
			return false
		}
	}
	return body != ""
}
