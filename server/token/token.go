// Package token is the token factory: it mints and parses access tokens (RFC 9068), and makes the opaque ones.
package token

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Prefixes of opaque secrets, so that secret scanners recognise them and logs tell them apart.
const (
	PrefixCode         = "ghc_"
	PrefixRefreshToken = "ghr_"
	PrefixClientSecret = "ghs_"
)

// mediaType is the "typ" of an access token (RFC 9068 section 2.1). No other kind of JWT that we sign carries it.
const mediaType = "at+jwt"

// maxSignature is the room for the signatures of all algorithms but RSA, and for what stands between the parts.
const maxSignature = 96

// Claims are the claims of an access token (RFC 9068 section 2.2). Nothing personal is among them: a client can read
// its token.
type Claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"` // exactly one resource
	Expiry   int64  `json:"exp"` // seconds since 1970-01-01 UTC
	IssuedAt int64  `json:"iat"` // seconds since 1970-01-01 UTC
	ID       string `json:"jti"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"` // separated by spaces
	GrantID  string `json:"grant_id"`
}

// Keys finds the keys that sign and verify.
type Keys interface {
	Current() keyring.Key
	Lookup(id string) (keyring.Key, bool)
	All() []keyring.Key
}

// Factory mints and parses access tokens.
type Factory struct {
	keys   Keys
	random secret.Source
	issuer string
	now    func() time.Time
}

// NewFactory returns a factory for one issuer.
func NewFactory(keys Keys, random secret.Source, issuer string, now func() time.Time) *Factory {
	return &Factory{keys: keys, random: random, issuer: issuer, now: now}
}

// Subject is whom and what an access token is for.
type Subject struct {
	UserID, ClientID, GrantID, Resource, Scope string
}

// Mint signs an access token that lives until expiry.
func (f *Factory) Mint(subject Subject, expiry time.Time) (secret.Text, error) {
	key := f.keys.Current()
	payload, err := json.Marshal(Claims{
		Issuer:   f.issuer,
		Subject:  subject.UserID,
		Audience: subject.Resource,
		Expiry:   expiry.Unix(),
		IssuedAt: f.now().Unix(),
		ID:       f.random.ID(),
		ClientID: subject.ClientID,
		Scope:    subject.Scope,
		GrantID:  subject.GrantID,
	})
	if err != nil {
		return secret.Text{}, fmt.Errorf("token: %w", err)
	}
	signed, err := sign(key, payload)
	if err != nil {
		return secret.Text{}, fmt.Errorf("token: %w", err)
	}
	return secret.NewText(signed), nil
}

// sign returns the compact serialization (RFC 7515 section 7.1). The library signs; its own serialization would copy and
// sort the three members of the header anew for every token, a sixth of the whole.
func sign(key keyring.Key, payload []byte) (string, error) {
	head, err := json.Marshal(header{Algorithm: key.Algorithm, KeyID: key.ID, Type: mediaType})
	if err != nil {
		return "", err
	}
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(key.Algorithm))
	if err != nil {
		return "", err
	}
	encoding := base64.RawURLEncoding
	token := make([]byte, 0, encoding.EncodedLen(len(head)+len(payload))+maxSignature)
	token = append(encoding.AppendEncode(token, head), '.')
	token = encoding.AppendEncode(token, payload)
	signature, err := signer.Sign(token, key.Signing)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return string(encoding.AppendEncode(append(token, '.'), signature)), nil
}
