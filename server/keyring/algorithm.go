package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

// Algorithms that access tokens may be signed with (RFC 7518 section 3.1, RFC 8037). HS256 has no public key: only
// this server can verify its tokens.
const (
	ES256 = "ES256"
	EdDSA = "EdDSA"
	RS256 = "RS256"
	HS256 = "HS256"
)

// RefreshMAC is the algorithm of keys for refresh tokens, which are no JWTs: HMAC with SHA-256.
const RefreshMAC = "refresh-hmac-sha256"

// Algorithms returns the supported algorithms of access tokens, the default first.
func Algorithms() []string { return []string{ES256, EdDSA, RS256, HS256} }

// rsaBits is the shortest RSA key that RFC 7518 section 3.3 allows.
const rsaBits = 2048

// hmacBytes is the output size of SHA-256, the shortest key that RFC 7518 section 3.2 allows.
const hmacBytes = 32

// generate returns a fresh private key in its stored encoding: PKCS #8, or the raw bytes of an HMAC key.
func generate(algorithm string) ([]byte, error) {
	var private crypto.PrivateKey
	var err error
	switch algorithm {
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case RS256:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	case HS256, RefreshMAC:
		raw := make([]byte, hmacBytes)
		_, err = rand.Read(raw)
		return raw, err
	default:
		return nil, fmt.Errorf("keyring: unknown algorithm %q", algorithm)
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return x509.MarshalPKCS8PrivateKey(private)
}

// decode turns a stored private key into the pair that signs and verifies. The algorithm comes from the key's record,
// never from a token.
func decode(algorithm string, stored []byte) (signing, verification any, err error) {
	if algorithm == HS256 || algorithm == RefreshMAC {
		return stored, stored, nil
	}
	private, err := x509.ParsePKCS8PrivateKey(stored)
	if err != nil {
		return nil, nil, fmt.Errorf("keyring: %w", err)
	}
	switch private := private.(type) {
	case *ecdsa.PrivateKey:
		return deterministic{private}, private.Public(), nil
	case crypto.Signer:
		return private, private.Public(), nil
	default:
		return nil, nil, fmt.Errorf("keyring: %T cannot sign", private)
	}
}

// describe returns the key id, an RFC 7638 thumbprint, and the public JSON Web Key. An HMAC key has no public part,
// and a random id instead of a thumbprint, which would help to guess it.
func describe(algorithm string, stored []byte, randomID string) (id string, public jwk.Key, err error) {
	if algorithm == HS256 || algorithm == RefreshMAC {
		return randomID, nil, nil
	}
	_, raw, err := decode(algorithm, stored)
	if err != nil {
		return "", nil, err
	}
	public, err = jwk.FromRaw(raw)
	if err != nil {
		return "", nil, fmt.Errorf("keyring: %w", err)
	}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", nil, fmt.Errorf("keyring: %w", err)
	}
	id = base64.RawURLEncoding.EncodeToString(sum)
	for name, value := range map[string]any{
		jwk.KeyIDKey:     id,
		jwk.AlgorithmKey: jwa.SignatureAlgorithm(algorithm),
		jwk.KeyUsageKey:  "sig",
	} {
		if err := public.Set(name, value); err != nil {
			return "", nil, fmt.Errorf("keyring: %w", err)
		}
	}
	return id, public, nil
}
