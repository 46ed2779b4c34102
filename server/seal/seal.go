// Package seal encrypts what must be read again but not be readable in the store: provider tokens, PKCE verifiers,
// private signing keys.
//
// A sealed value is version (1 byte), key id (8 bytes), nonce (12 bytes), ciphertext and tag, with AES-256-GCM. The
// associated data names the table, column and row, so that a value cannot be moved to another row.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

const (
	version   = 1
	keyIDSize = 8
	headSize  = 1 + keyIDSize
	// KeySize is the length of a sealing key in bytes.
	KeySize = 32
)

// Errors of Open. Neither says anything about the plaintext.
var (
	// ErrUnknownKey means that the value was sealed with a key that this server does not hold.
	ErrUnknownKey = errors.New("seal: sealed with an unknown key")
	// ErrTampered means that the value, or the place where it stands, is not what was sealed.
	ErrTampered = errors.New("seal: value does not belong here or was changed")
)

// Place is where a sealed value stands. It is authenticated with the value.
type Place struct {
	Table, Column, Row string
}

// associatedData is unambiguous because each part carries its length.
func (p Place) associatedData(head []byte) []byte {
	ad := append([]byte(nil), head...)
	for _, part := range []string{p.Table, p.Column, p.Row} {
		ad = append(ad, strconv.Itoa(len(part))...)
		ad = append(ad, ':')
		ad = append(ad, part...)
	}
	return ad
}

// Key is a sealing key.
type Key struct {
	secret.Hidden

	bytes [KeySize]byte
}

// NewKey returns a key of these bytes, which must be random.
func NewKey(bytes [KeySize]byte) Key { return Key{bytes: bytes} }

type keyID [keyIDSize]byte

func (k Key) id() keyID {
	sum := sha256.Sum256(append([]byte("gatehouse sealing key id\x00"), k.bytes[:]...))
	return keyID(sum[:keyIDSize])
}

// Sealer seals with its first key and opens with any.
type Sealer struct {
	current keyID
	aeads   map[keyID]cipher.AEAD
}

// New returns a sealer. Several keys are given while one replaces another; the first seals.
func New(keys ...Key) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: no key")
	}
	s := &Sealer{current: keys[0].id(), aeads: make(map[keyID]cipher.AEAD, len(keys))}
	for _, key := range keys {
		block, err := aes.NewCipher(key.bytes[:])
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		s.aeads[key.id()] = aead
	}
	return s, nil
}

// CurrentKeyID is the id that Seal writes behind the version byte.
func (s *Sealer) CurrentKeyID() []byte { return append([]byte(nil), s.current[:]...) }

// Seal encrypts plaintext for a place.
func (s *Sealer) Seal(plaintext []byte, place Place) []byte {
	head := append([]byte{version}, s.current[:]...)
	return s.aeads[s.current].Seal(head, nil, plaintext, place.associatedData(head))
}

// Open decrypts a value that was sealed for a place. It answers ErrUnknownKey or ErrTampered.
func (s *Sealer) Open(sealed []byte, place Place) ([]byte, error) {
	if len(sealed) < headSize || sealed[0] != version {
		return nil, ErrTampered
	}
	head, body := sealed[:headSize], sealed[headSize:]
	aead, ok := s.aeads[keyID(head[1:])]
	if !ok {
		return nil, ErrUnknownKey
	}
	plaintext, err := aead.Open(nil, nil, body, place.associatedData(head))
	if err != nil {
		return nil, ErrTampered
	}
	return plaintext, nil
}
