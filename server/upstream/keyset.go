package upstream

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

const (
	// maxKeys bounds the keys in a set.
	maxKeys = 100
	// maxKeyID bounds a key id in bytes.
	maxKeyID = 256
	// minRSABits and maxRSABits bound RSA moduli: shorter ones are weak, longer ones are a way to burn our CPU.
	minRSABits = 2048
	maxRSABits = 8192
)

// keySet is a provider's verification keys (RFC 7517 section 5). Two keys may share an id when their types differ.
type keySet []verificationKey

type verificationKey struct {
	id        string
	algorithm jwa.SignatureAlgorithm // empty when the key does not say
	public    crypto.PublicKey
}

// parseKeySet reads a JWK Set. Keys that we cannot use are skipped, so that an odd one beside the right one breaks
// nothing; a set without any usable key is an error.
func parseKeySet(data []byte) (keys keySet, skipped int, err error) {
	o, err := parseObject(data)
	if err != nil {
		return nil, 0, newError(KindGarbage, "keys: %w", err)
	}
	var members []json.RawMessage
	if json.Unmarshal(o["keys"], &members) != nil {
		return nil, 0, newError(KindGarbage, "keys: there is no list of keys")
	}
	if len(members) > maxKeys {
		return nil, 0, newError(KindGarbage, "keys: there are %d of them", len(members))
	}
	for _, member := range members {
		key, err := parseKey(member)
		if err != nil {
			skipped++
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, skipped, newError(KindGarbage, "keys: none of %d is usable", len(members))
	}
	return keys, skipped, nil
}

func parseKey(data []byte) (verificationKey, error) {
	parsed, err := jwk.ParseKey(data)
	if err != nil {
		return verificationKey{}, err
	}
	switch {
	case parsed.KeyUsage() != "" && parsed.KeyUsage() != "sig":
		return verificationKey{}, errors.New("not for signatures")
	case len(parsed.KeyOps()) > 0 && !slices.Contains(parsed.KeyOps(), jwk.KeyOpVerify):
		return verificationKey{}, errors.New("not for verifying")
	case len(parsed.KeyID()) > maxKeyID:
		return verificationKey{}, errors.New("key id too long")
	}
	// A set that leaks private keys still verifies; a symmetric key has no public part and stays out.
	public, err := jwk.PublicRawKeyOf(parsed)
	if err != nil {
		return verificationKey{}, err
	}
	public, err = soundKey(public)
	if err != nil {
		return verificationKey{}, err
	}
	return verificationKey{
		id:        parsed.KeyID(),
		algorithm: jwa.SignatureAlgorithm(parsed.Algorithm().String()),
		public:    public,
	}, nil
}

// soundKey accepts a public key of a type and size that is safe to verify with.
func soundKey(public any) (crypto.PublicKey, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits || key.E < 3 || key.E%2 == 0 {
			return nil, errors.New("RSA key of a bad size")
		}
	case *ecdsa.PublicKey:
		if _, err := key.ECDH(); err != nil { // checks that the point is on the curve
			return nil, err
		}
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return nil, errors.New("Ed25519 key of a bad size")
		}
	default:
		return nil, fmt.Errorf("unusable key type %T", public)
	}
	return public, nil
}

// candidates returns the keys that may have made a signature with an algorithm. The algorithm must be right for the
// key's type, and for the key itself when it names one (RFC 8725 section 3.1). Without a key id every key of the right
// type is a candidate.
func (s keySet) candidates(id string, algorithm jwa.SignatureAlgorithm) []crypto.PublicKey {
	var found []crypto.PublicKey
	for _, key := range s {
		if (id == "" || key.id == id) && (key.algorithm == "" || key.algorithm == algorithm) && fits(key.public, algorithm) {
			found = append(found, key.public)
		}
	}
	return found
}

func fits(public crypto.PublicKey, algorithm jwa.SignatureAlgorithm) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return slices.Contains([]jwa.SignatureAlgorithm{jwa.RS256, jwa.RS384, jwa.RS512, jwa.PS256, jwa.PS384, jwa.PS512}, algorithm)
	case *ecdsa.PublicKey:
		return algorithm == jwa.ES256 && key.Curve == elliptic.P256() ||
			algorithm == jwa.ES384 && key.Curve == elliptic.P384() ||
			algorithm == jwa.ES512 && key.Curve == elliptic.P521()
	case ed25519.PublicKey:
		return algorithm == jwa.EdDSA
	}
	return false
}
