// Package keyring holds the keys that sign access tokens. The first start creates one; private parts are sealed in
// the store and published as a JSON Web Key Set.
package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Sealer protects private keys at rest.
type Sealer interface {
	Seal(plaintext []byte, place seal.Place) []byte
	Open(sealed []byte, place seal.Place) ([]byte, error)
}

// Deps is what a ring needs.
type Deps struct {
	Store  storage.SigningKeys
	Sealer Sealer
	Random secret.Source
	Now    func() time.Time
}

// Key is one signing key. Its algorithm is fixed when it is made.
type Key struct {
	ID        string
	Algorithm string
	// Signing is the private key, or nil for a key that may no longer sign.
	Signing any
	// Verification is the public key, or the HMAC key.
	Verification any
	// Public is the JSON Web Key of the public part; nil for HS256.
	Public json.RawMessage
}

// Ring is the set of keys that verify, one of which signs.
type Ring struct {
	current Key
	byID    map[string]Key
	ordered []Key
}

// Open loads the keys, and creates one when none with the algorithm may sign.
func Open(ctx context.Context, deps Deps, algorithm string) (*Ring, error) {
	if err := ensure(ctx, deps, algorithm); err != nil {
		return nil, err
	}
	records, err := deps.Store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("keyring: load: %w", err)
	}
	ring := &Ring{byID: make(map[string]Key, len(records))}
	for _, record := range records {
		key, err := open(deps.Sealer, record)
		if err != nil {
			return nil, err
		}
		ring.byID[key.ID] = key
		ring.ordered = append(ring.ordered, key)
		if key.Algorithm == algorithm && key.Signing != nil {
			ring.current = key
		}
	}
	if ring.current.Signing == nil {
		return nil, fmt.Errorf("keyring: no %s key can sign", algorithm)
	}
	return ring, nil
}

// Current returns the key that signs.
func (r *Ring) Current() Key { return r.current }

// Lookup returns the key with an id. The id is only ever a map key.
func (r *Ring) Lookup(id string) (Key, bool) {
	key, ok := r.byID[id]
	return key, ok
}

// Public returns the public keys, oldest first.
func (r *Ring) Public() []json.RawMessage {
	var keys []json.RawMessage
	for _, key := range r.ordered {
		if key.Public != nil {
			keys = append(keys, key.Public)
		}
	}
	return keys
}

func place(id string) seal.Place {
	return seal.Place{Table: "signing_keys", Column: "sealed", Row: id}
}

// ensure creates a key unless the store has one. Of several servers that start together the store lets one win.
func ensure(ctx context.Context, deps Deps, algorithm string) error {
	private, err := generate(algorithm)
	if err != nil {
		return err
	}
	id, public, err := describe(algorithm, private, deps.Random.ID())
	if err != nil {
		return err
	}
	record := storage.SigningKey{
		ID:         id,
		Algorithm:  algorithm,
		Sealed:     deps.Sealer.Seal(private, place(id)),
		CreateTime: deps.Now(),
	}
	if public != nil {
		if record.Public, err = json.Marshal(public); err != nil {
			return fmt.Errorf("keyring: %w", err)
		}
	}
	if _, err := deps.Store.EnsureSigningKey(ctx, record); err != nil {
		return fmt.Errorf("keyring: create: %w", err)
	}
	return nil
}

func open(sealer Sealer, record storage.SigningKey) (Key, error) {
	private, err := sealer.Open(record.Sealed, place(record.ID))
	if errors.Is(err, seal.ErrUnknownKey) {
		return Key{}, fmt.Errorf("keyring: key %s: %w: is this the sealing key that the store was made with?", record.ID, err)
	} else if err != nil {
		return Key{}, fmt.Errorf("keyring: key %s: %w", record.ID, err)
	}
	key := Key{ID: record.ID, Algorithm: record.Algorithm, Public: record.Public}
	if len(key.Public) == 0 {
		key.Public = nil
	}
	key.Signing, key.Verification, err = decode(record.Algorithm, private)
	if err != nil {
		return Key{}, err
	}
	if !record.RetireTime.IsZero() {
		key.Signing = nil
	}
	return key, nil
}
