package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/gatehouse-auth/gatehouse/server/keyring"
)

// MaxLength is the length in bytes above which a token is refused unread. Ours have about 700.
const MaxLength = 8192

// maxKeyID is the length of a key id above which none of ours can be meant.
const maxKeyID = 64

// Reasons why a token is not ours.
var (
	ErrMalformed = errors.New("token: malformed")
	ErrSignature = errors.New("token: not signed by a key of this server")
	// ErrUnknownKey is an ErrSignature whose key may exist by now.
	ErrUnknownKey = fmt.Errorf("%w: its key is unknown", ErrSignature)
	ErrIssuer     = errors.New("token: issued by another server")
	ErrExpired    = errors.New("token: expired")
)

// leeway tolerates the clock skew between replicas for "iat".
const leeway = time.Minute

// strict refuses non-canonical trailing bits, so that one token has one spelling.
var strict = base64.RawURLEncoding.Strict()

// header has every member that Mint writes. Others (crit, jku, jwk, x5c, b64, zip) have no place in our tokens.
type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

// Parse verifies form, signature, issuer and expiry. The audience and the grant are the caller's to check.
func (f *Factory) Parse(token string) (Claims, error) {
	key, err := f.keyFor(token)
	if err != nil {
		return Claims{}, err
	}
	payload, err := jws.Verify([]byte(token), jws.WithKey(jwa.SignatureAlgorithm(key.Algorithm), key.Verification))
	if err != nil {
		return Claims{}, ErrSignature
	}
	var claims Claims
	if err := decode(payload, &claims); err != nil || !claims.complete() {
		return Claims{}, ErrMalformed
	}
	switch now := f.now(); {
	case claims.Issuer != f.issuer:
		return Claims{}, ErrIssuer
	case now.Unix() >= claims.Expiry:
		return Claims{}, ErrExpired
	case claims.IssuedAt > now.Add(leeway).Unix():
		return Claims{}, ErrMalformed
	}
	return claims, nil
}

// keyFor finds the key that must have signed the token. The algorithm is the key's; the header's only has to agree
// (RFC 8725 section 3.1).
func (f *Factory) keyFor(token string) (keyring.Key, error) {
	if len(token) > MaxLength || strings.Count(token, ".") != 2 {
		return keyring.Key{}, ErrMalformed
	}
	var head header
	for i, segment := range strings.Split(token, ".") {
		// The decoder skips line breaks, which no token has.
		if segment == "" || strings.ContainsAny(segment, "\r\n") {
			return keyring.Key{}, ErrMalformed
		}
		raw, err := strict.DecodeString(segment)
		if err != nil {
			return keyring.Key{}, ErrMalformed
		}
		if i == 0 && decode(raw, &head) != nil {
			return keyring.Key{}, ErrSignature
		}
	}
	if head.Type != mediaType || head.KeyID == "" || len(head.KeyID) > maxKeyID {
		return keyring.Key{}, ErrSignature
	}
	key, ok := f.keys.Lookup(head.KeyID)
	if !ok {
		return keyring.Key{}, ErrUnknownKey
	}
	if head.Algorithm != key.Algorithm {
		return keyring.Key{}, ErrSignature
	}
	return key, nil
}

// complete reports whether every claim that RFC 9068 section 2.2 requires, and the grant, is there.
func (c Claims) complete() bool {
	if slices.Contains([]string{c.Issuer, c.Subject, c.Audience, c.ID, c.ClientID, c.GrantID}, "") {
		return false
	}
	return c.Expiry > 0 && c.IssuedAt > 0
}

// decode refuses members that we never write and anything behind the object.
func decode(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) { // More takes a closing bracket for an end
		return ErrMalformed
	}
	return nil
}
