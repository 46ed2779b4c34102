package upstreamtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// Key is a signing key.
type Key struct {
	ID        string
	Algorithm string
	Signer    crypto.Signer
}

// NewKey makes a key for RS256, PS256, ES256 or EdDSA.
func NewKey(id, algorithm string) *Key {
	key := &Key{ID: id, Algorithm: algorithm}
	var err error
	switch algorithm {
	case "RS256", "PS256":
		key.Signer, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		key.Signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, key.Signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("unknown algorithm %q", algorithm)
	}
	if err != nil {
		panic("upstreamtest: " + err.Error())
	}
	return key
}

// RotateKey makes a new key that signs from now on. Older keys stay published until DropOldKeys.
func (f *FakeIdP) RotateKey(algorithm string) *Key {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := NewKey(fmt.Sprintf("key-%d", len(f.keys)+1), algorithm)
	f.keys = append(f.keys, key)
	return key
}

// ReplaceKey makes a new key under the id of the one that signs, which disappears.
func (f *FakeIdP) ReplaceKey() *Key {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := len(f.keys) - 1
	f.keys[last] = NewKey(f.keys[last].ID, f.keys[last].Algorithm)
	return f.keys[last]
}

// DropOldKeys publishes only the key that signs.
func (f *FakeIdP) DropOldKeys() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = f.keys[len(f.keys)-1:]
}

// SigningKey returns the key that signs.
func (f *FakeIdP) SigningKey() *Key {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys[len(f.keys)-1]
}

// JWK returns the public part as a JSON Web Key.
func (k *Key) JWK() map[string]any {
	jwk := map[string]any{"kid": k.ID, "alg": k.Algorithm, "use": "sig"}
	switch public := k.Signer.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, X, Y
		if err != nil {
			panic("upstreamtest: " + err.Error())
		}
		size := (len(point) - 1) / 2
		jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", public.Params().Name, encode(point[1:1+size]), encode(point[1+size:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", encode(public)
	}
	return jwk
}

// Sign signs a JWS signing input with the key's algorithm (RFC 7518 section 3).
func (k *Key) Sign(input []byte) []byte {
	digest := sha256.Sum256(input)
	message, options := digest[:], crypto.SignerOpts(crypto.SHA256)
	switch k.Algorithm {
	case "PS256":
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	case "EdDSA":
		message, options = input, crypto.Hash(0)
	case "ES256":
		r, s, err := ecdsa.Sign(rand.Reader, k.Signer.(*ecdsa.PrivateKey), message)
		if err != nil {
			panic("upstreamtest: " + err.Error())
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	signature, err := k.Signer.Sign(rand.Reader, message, options)
	if err != nil {
		panic("upstreamtest: " + err.Error())
	}
	return signature
}

// Draft is a JWT before it is signed. Tests change it to make bad ones.
type Draft struct {
	Header map[string]any
	Claims map[string]any
	// Sign makes the signature; that of the provider's key unless replaced.
	Sign func(input []byte) []byte
	// Finish changes the finished token; nil leaves it.
	Finish func(token string) string
}

// draft starts a token of the key.
func (k *Key) draft(typ string, claims map[string]any) *Draft {
	return &Draft{
		Header: map[string]any{"alg": k.Algorithm, "kid": k.ID, "typ": typ},
		Claims: claims,
		Sign:   k.Sign,
	}
}

// Token returns the compact serialisation (RFC 7515 section 7.1).
func (d *Draft) Token() string {
	input := encode(marshal(d.Header)) + "." + encode(marshal(d.Claims))
	token := input + "." + encode(d.Sign([]byte(input)))
	if d.Finish != nil {
		token = d.Finish(token)
	}
	return token
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func marshal(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic("upstreamtest: " + err.Error())
	}
	return data
}
