package oauth

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// ParseBasic reads client credentials from an Authorization header (RFC 6749 section 2.3.1, RFC 7617). Both halves are
// form-decoded. Not every client encodes them, which does no harm: identifiers and secrets of this server have no
// character that encoding would change.
//
// present says whether the client tried Basic; another scheme is not for this function. The secret may be empty, since
// public clients send their identifier this way too. An error is an *Error with InvalidClient, and then present is
// true, so that the answer can carry a challenge.
func ParseBasic(header string) (id, secret string, present bool, err error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false, nil
	}
	id, secret, ok := decodeBasic(strings.Trim(encoded, " "))
	if !ok {
		return "", "", true, NewError(InvalidClient, "the Authorization header is malformed")
	}
	return id, secret, true, nil
}

func decodeBasic(encoded string) (id, secret string, ok bool) {
	// The decoder skips line breaks; nobody who means well sends them.
	if strings.ContainsAny(encoded, "\r\n") {
		return "", "", false
	}
	pair, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	id, secret, found := strings.Cut(string(pair), ":")
	if !found {
		return "", "", false
	}
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	if idErr != nil || secretErr != nil || id == "" || !isVisible(id) || !isVisible(secret) {
		return "", "", false
	}
	return id, secret, true
}

// isVisible reports whether s has only VSCHAR, all that client_id and client_secret may have (RFC 6749 appendices A.1
// and A.2).
func isVisible(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
