// Package identifier derives the ids of rows that are the same thing whenever they are made again.
package identifier

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
)

// User returns the id of a person, the "sub" of our tokens. It derives from what identifies (provider, issuer,
// subject) and from nothing that can change, so that it is the same after a login years later and in a new store.
func User(provider, issuer, subject string) string {
	return derive("user", provider, issuer, subject)
}

// Credential returns the id of the provider's tokens for a user: one for each set of scopes.
func Credential(userID, provider, scopes string) string {
	return derive("credential", userID, provider, scopes)
}

// derive returns 128 bits of a digest. Each part carries its length, so that no two lists of parts collide.
func derive(kind string, parts ...string) string {
	h := sha256.New()
	h.Write([]byte("gatehouse " + kind + " id\x00"))
	for _, part := range parts {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}
