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

// isB64Token reports whether s is a b64token of RFC 6750 section 2.1: one or more characters of its alphabet, then any
// number of equals signs.
func isB64Token(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" {
		return false
	}
	for i := range len(body) {
		if !isB64TokenByte(body[i]) {
			return false
		}
	}
	return true
}

func isB64TokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	default:
		return strings.IndexByte("-._~+/", c) >= 0
	}
}
