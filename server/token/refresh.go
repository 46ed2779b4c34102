package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// A refresh token is a prefix and, in base64url:
//
//	key (4 bytes) | grant (16 bytes) | generation (4 bytes) | MAC (32 bytes)
//
// The MAC covers what stands before it, with a key that is not in the store in clear. So every generation of a grant can
// be recognised, however old, while the store keeps one row per grant; the successor of a token can be made again to
// repeat an answer that was lost; and who writes to the store cannot invent a token.
const (
	refreshKeySize   = 4
	refreshGrantSize = len(uuid.UUID{})
	refreshHeadSize  = refreshKeySize + refreshGrantSize + 4
	refreshSize      = refreshHeadSize + sha256.Size
)

// RefreshID is what a refresh token says of itself, once its MAC is proven.
type RefreshID struct {
	GrantID    string
	Generation int64
}

// RefreshTokens makes and reads refresh tokens.
type RefreshTokens struct {
	keys Keys
}

// NewRefreshTokens returns a factory over keys of their own: no other purpose uses them.
func NewRefreshTokens(keys Keys) *RefreshTokens { return &RefreshTokens{keys: keys} }

// Make returns the token of a generation, with the current key.
func (r *RefreshTokens) Make(id RefreshID) (secret.Text, error) {
	return makeRefresh(r.keys.Current(), id)
}

// Remake returns the token of a generation whose hash is known, whichever key it was made with.
func (r *RefreshTokens) Remake(id RefreshID, hash secret.Hash) (secret.Text, error) {
	for _, key := range r.keys.All() {
		text, err := makeRefresh(key, id)
		if err != nil {
			return secret.Text{}, err
		}
		if text.Hash().Equal(hash) {
			return text, nil
		}
	}
	return secret.Text{}, fmt.Errorf("token: no key makes generation %d of grant %s again", id.Generation, id.GrantID)
}

// Parse proves that a token was made here. It does not say that the token is still good.
func (r *RefreshTokens) Parse(text secret.Text) (RefreshID, bool) {
	encoded, ok := strings.CutPrefix(text.Reveal(), PrefixRefreshToken)
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(refreshSize) || strings.ContainsAny(encoded, "\r\n") {
		return RefreshID{}, false
	}
	raw, err := strict.DecodeString(encoded)
	if err != nil || len(raw) != refreshSize {
		return RefreshID{}, false
	}
	head, mac := raw[:refreshHeadSize], raw[refreshHeadSize:]
	for _, key := range r.keys.All() {
		tag := refreshKeyTag(key)
		if string(head[:refreshKeySize]) == string(tag[:]) && hmac.Equal(mac, refreshMAC(key, head)) {
			grant := uuid.UUID(head[refreshKeySize : refreshKeySize+refreshGrantSize])
			generation := binary.BigEndian.Uint32(head[refreshKeySize+refreshGrantSize:])
			return RefreshID{GrantID: grant.String(), Generation: int64(generation)}, true
		}
	}
	return RefreshID{}, false
}

func makeRefresh(key keyring.Key, id RefreshID) (secret.Text, error) {
	grant, err := uuid.Parse(id.GrantID)
	if err != nil || id.Generation < 1 || id.Generation > 1<<31 {
		return secret.Text{}, fmt.Errorf("token: grant %s, generation %d makes no refresh token", id.GrantID, id.Generation)
	}
	tag := refreshKeyTag(key)
	head := append(tag[:], grant[:]...)
	head = binary.BigEndian.AppendUint32(head, uint32(id.Generation))
	return secret.NewText(PrefixRefreshToken + base64.RawURLEncoding.EncodeToString(append(head, refreshMAC(key, head)...))), nil
}

// refreshKeyTag finds the key of a token. It is a digest of the key's id, and no secret.
func refreshKeyTag(key keyring.Key) [refreshKeySize]byte {
	sum := sha256.Sum256([]byte(key.ID))
	return [refreshKeySize]byte(sum[:refreshKeySize])
}

func refreshMAC(key keyring.Key, head []byte) []byte {
	secretKey, _ := key.Verification.([]byte)
	mac := hmac.New(sha256.New, secretKey)
	mac.Write([]byte("gatehouse refresh token\x00"))
	mac.Write(head)
	return mac.Sum(nil)
}
