package upstream

import (
	"crypto"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// maxToken bounds any token in bytes.
const maxToken = 16 << 10

// segment decodes one part of a JWT. Only the canonical spelling passes, so that what was verified is what was sent.
var segment = base64.RawURLEncoding.Strict()

// jwt is a compact JWS (RFC 7515 section 7.1) whose signature nobody has checked. Its claims may choose keys and
// branches, but are not to be believed.
type jwt struct {
	raw       string
	algorithm jwa.SignatureAlgorithm
	keyID     string
	typ       string
	claims    object
}

// parseJWT takes a token apart.
func parseJWT(token secret.Text) (jwt, error) {
	raw := token.Reveal()
	parts := strings.Split(raw, ".")
	if len(raw) > maxToken || len(parts) != 3 || strings.ContainsAny(raw, "\r\n") {
		return jwt{}, errors.New("not a compact JWS")
	}
	header, err := decodeSegment(parts[0])
	if err != nil {
		return jwt{}, err
	}
	claims, err := decodeSegment(parts[1])
	if err != nil {
		return jwt{}, err
	}
	if _, err := segment.DecodeString(parts[2]); err != nil {
		return jwt{}, errors.New("a segment is not base64url")
	}
	j := jwt{raw: raw, claims: claims}
	return j, j.readHeader(header)
}

func decodeSegment(encoded string) (object, error) {
	data, err := segment.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("a segment is not base64url")
	}
	return parseObject(data)
}

// readHeader takes what selects a key. Members that change what a signature covers are refused: nobody needs them here
// (RFC 7515 section 4.1.11, RFC 7797). Members that name keys (jku, jwk, x5u, x5c) are ignored, and no key comes from
// them.
func (j *jwt) readHeader(header object) error {
	for _, name := range []string{"crit", "b64", "zip", "enc"} {
		if header.has(name) {
			return errors.New("unsupported header member " + name)
		}
	}
	algorithm, err := header.text("alg")
	if err != nil {
		return err
	}
	j.algorithm = jwa.SignatureAlgorithm(algorithm)
	if j.keyID, err = header.text("kid"); err != nil {
		return err
	}
	j.typ, err = header.text("typ")
	return err
}

// hasType reports whether the header has one of the types, or none at all (RFC 7515 section 4.1.9: without case and
// without "application/").
func (j jwt) hasType(types ...string) bool {
	typ := strings.TrimPrefix(strings.ToLower(j.typ), "application/")
	return typ == "" || slices.Contains(types, typ)
}

// verify returns the claims if one of the keys made the signature.
func (j jwt) verify(keys []crypto.PublicKey) (object, bool) {
	for _, key := range keys {
		payload, err := jws.Verify([]byte(j.raw), jws.WithKey(j.algorithm, key), jws.WithCompact())
		if err != nil {
			continue
		}
		claims, err := parseObject(payload)
		return claims, err == nil
	}
	return nil, false
}
