// Package keyring holds the keys that sign tokens: prepared, active, retiring, gone.
//
// What a key does at a time follows from the activation times of the keys of its purpose and algorithm, and needs no
// write: the latest one that has begun is active, later ones are prepared, and an earlier one retires until the last
// token that it can have signed has expired. So replicas that read the same rows agree without talking. Private parts
// are sealed in the store.
package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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

// Config says which keys a ring holds and how they live.
type Config struct {
	// Purpose and Algorithm of the keys that the ring makes. It verifies with every algorithm of its purpose.
	Purpose, Algorithm string
	// TokenTTL is the longest life of a token, and so how long a key that no longer signs is kept.
	TokenTTL time.Duration
	// PublishTTL is how long others may keep the key set: a key is published for so long before it signs.
	PublishTTL time.Duration
	// RotateInterval is how long a key signs; zero keeps it for ever.
	RotateInterval time.Duration
}

// Key is one key. Its algorithm is fixed when it is made.
type Key struct {
	secret.Hidden

	ID        string
	Algorithm string
	// Signing is the private key.
	Signing any
	// Verification is the public key, or the symmetric key.
	Verification any
	// Public is the JSON Web Key of the public part; nil for a symmetric key.
	Public json.RawMessage

	CreateTime, ActivateTime time.Time
	// RemoveTime is when its last token will have expired; zero while no other key has taken its place.
	RemoveTime time.Time
}

// Ring is the keys of one purpose. It is safe for concurrent use.
type Ring struct {
	deps   Deps
	config Config
	keys   atomic.Pointer[[]Key] // by activation time

	loading sync.Mutex  // held while the keys are read, so that no older reading replaces a newer one
	gone    atomic.Bool // a key is gone since Reload was asked last

	mu   sync.Mutex
	next *refresh    // nil while nobody waits for one
	rest *time.Timer // until when no other begins; nil before the first
}

// Open loads the keys of a purpose, and makes one when none with the algorithm exists.
func Open(ctx context.Context, deps Deps, config Config) (*Ring, error) {
	ring := &Ring{deps: deps, config: config}
	if _, _, err := ring.add(ctx, deps.Now(), time.Time{}); err != nil {
		return nil, err
	}
	if _, err := ring.Reload(ctx); err != nil {
		return nil, err
	}
	if ring.Current().Signing == nil {
		return nil, fmt.Errorf("keyring: no %s key can sign", config.Algorithm)
	}
	return ring, nil
}

// Current returns the key that signs: of the ring's algorithm, the last one that has begun. The first one signs from the
// start: a server whose clock lags behind that of the one that made it has no other.
func (r *Ring) Current() Key {
	var current Key
	now := r.deps.Now()
	for _, key := range *r.keys.Load() {
		if key.Algorithm == r.config.Algorithm && (current.ID == "" || !now.Before(key.ActivateTime)) {
			current = key
		}
	}
	return current
}

// Lookup returns the key with an id that still verifies. The id is only ever compared.
func (r *Ring) Lookup(id string) (Key, bool) {
	for _, key := range r.All() {
		if key.ID == id {
			return key, true
		}
	}
	return Key{}, false
}

// All returns the keys that verify, prepared ones included, by activation time.
func (r *Ring) All() []Key {
	now := r.deps.Now()
	keys := *r.keys.Load()
	for i, key := range keys {
		if key.RemoveTime.IsZero() || now.Before(key.RemoveTime) {
			continue
		}
		live := make([]Key, 0, len(keys)) // the rare case: something is over and not yet swept
		live = append(live, keys[:i]...)
		for _, later := range keys[i+1:] {
			if later.RemoveTime.IsZero() || now.Before(later.RemoveTime) {
				live = append(live, later)
			}
		}
		return live
	}
	return keys
}

// Public returns the public keys, by activation time.
func (r *Ring) Public() []json.RawMessage {
	var public []json.RawMessage
	for _, key := range r.All() {
		if key.Public != nil {
			public = append(public, key.Public)
		}
	}
	return public
}

// Reload reads the keys again. It reports whether a key is gone since it was last asked, whoever noticed.
func (r *Ring) Reload(ctx context.Context) (removed bool, err error) {
	if err := r.load(ctx); err != nil {
		return false, err
	}
	return r.gone.Swap(false), nil
}

// load reads the keys.
func (r *Ring) load(ctx context.Context) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	records, err := r.deps.Store.SigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("keyring: load: %w", err)
	}
	known := make(map[string]Key)
	if old := r.keys.Load(); old != nil {
		for _, key := range *old {
			known[key.ID] = key
		}
	}
	var keys []Key
	for _, record := range records {
		if record.Purpose != r.config.Purpose {
			continue
		}
		key, ok := known[record.ID]
		if !ok {
			if key, err = r.open(record); err != nil {
				return err
			}
		}
		delete(known, record.ID)
		keys = append(keys, key)
	}
	r.schedule(keys)
	r.keys.Store(&keys)
	if len(known) > 0 {
		r.gone.Store(true)
	}
	return nil
}

// schedule works out when each key is no longer needed: when the next one of its algorithm has been active for as long
// as a token lives.
func (r *Ring) schedule(keys []Key) {
	for i := range keys {
		keys[i].RemoveTime = time.Time{}
		for _, later := range keys[i+1:] {
			if later.Algorithm == keys[i].Algorithm {
				keys[i].RemoveTime = later.ActivateTime.Add(r.config.TokenTTL + leeway)
				break
			}
		}
	}
}

func place(id string) seal.Place {
	return seal.Place{Table: "signing_keys", Column: "sealed", Row: id}
}

func (r *Ring) open(record storage.SigningKey) (Key, error) {
	private, err := r.deps.Sealer.Open(record.Sealed, place(record.ID))
	if errors.Is(err, seal.ErrUnknownKey) {
		return Key{}, fmt.Errorf("keyring: key %s: %w: is this the sealing key that the store was made with?", record.ID, err)
	} else if err != nil {
		return Key{}, fmt.Errorf("keyring: key %s: %w", record.ID, err)
	}
	key := Key{ID: record.ID, Algorithm: record.Algorithm, CreateTime: record.CreateTime, ActivateTime: record.ActivateTime}
	if len(record.Public) > 0 {
		key.Public = record.Public
	}
	key.Signing, key.Verification, err = decode(record.Algorithm, private)
	return key, err
}
