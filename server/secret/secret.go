// Package secret holds values that must not be printed, logged, marshalled or compared by accident.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/google/uuid"
)

// Text is a secret string. Compare it with Equal.
type Text struct {
	Hidden

	value string
}

// NewText wraps a secret that came from outside.
func NewText(value string) Text { return Text{value: value} }

// Reveal returns the secret. Call it only where the secret leaves the process or enters a cipher.
func (t Text) Reveal() string { return t.value }

// IsEmpty reports whether there is no secret.
func (t Text) IsEmpty() bool { return t.value == "" }

// Equal compares in constant time for secrets of equal length.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.value), []byte(other.value)) == 1
}

// Hash returns the SHA-256 digest under which the secret is stored. Secrets here carry 256 bits of randomness, so a
// slow hash would add nothing but a way to exhaust the server.
func (t Text) Hash() Hash { return Hash(sha256.Sum256([]byte(t.value))) }

// Hash is the SHA-256 digest of a secret.
type Hash [sha256.Size]byte

// ParseHash reads a digest from a stored column.
func ParseHash(b []byte) (Hash, error) {
	var h Hash
	if len(b) != len(h) {
		return h, fmt.Errorf("secret: digest has %d bytes, want %d", len(b), len(h))
	}
	copy(h[:], b)
	return h, nil
}

// Bytes returns the digest as a slice.
func (h Hash) Bytes() []byte { return h[:] }

// Equal compares in constant time.
func (h Hash) Equal(other Hash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }

// Short returns the first 48 bits in hexadecimal: enough to correlate log lines, useless as a secret.
func (h Hash) Short() string { return hex.EncodeToString(h[:6]) }

// Source makes secrets and identifiers.
type Source struct {
	reader io.Reader
}

// NewSource returns a source that draws from reader, or from the operating system when reader is nil.
func NewSource(reader io.Reader) Source {
	if reader == nil {
		reader = rand.Reader
	}
	return Source{reader: reader}
}

// Text returns prefix followed by 256 random bits in base64url. Secret scanners find the prefix.
func (s Source) Text(prefix string) Text {
	return Text{value: prefix + base64.RawURLEncoding.EncodeToString(s.Bytes(32))}
}

// ID returns a random identifier in the form of a UUID (RFC 9562 section 5.4). It is not a secret.
func (s Source) ID() string {
	id := uuid.UUID(s.Bytes(16))
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// Bytes returns n random bytes. It panics when the source fails: nothing safe can follow.
func (s Source) Bytes(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.reader, b); err != nil {
		panic("secret: random source failed: " + err.Error())
	}
	return b
}
