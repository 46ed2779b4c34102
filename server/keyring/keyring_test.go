package keyring_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// memory is the part of a store that a ring needs.
type memory struct {
	mu   sync.Mutex
	keys []storage.SigningKey
}

func (m *memory) SigningKeys(context.Context) ([]storage.SigningKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]storage.SigningKey(nil), m.keys...), nil
}

func (m *memory) AddSigningKey(_ context.Context, key storage.SigningKey, after time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.keys {
		if k.Purpose == key.Purpose && k.Algorithm == key.Algorithm && (after.IsZero() || k.ActivateTime.After(after)) {
			return false, nil
		}
	}
	m.keys = append(m.keys, key)
	slices.SortStableFunc(m.keys, func(a, b storage.SigningKey) int { return a.ActivateTime.Compare(b.ActivateTime) })
	return true, nil
}

func (m *memory) DeleteSigningKey(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.keys)
	m.keys = slices.DeleteFunc(m.keys, func(k storage.SigningKey) bool { return k.ID == id })
	if len(m.keys) == before {
		return storage.ErrNotFound
	}
	return nil
}

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

const day = 24 * time.Hour

func config(algorithm string) keyring.Config {
	return keyring.Config{
		Purpose: storage.PurposeAccessToken, Algorithm: algorithm,
		TokenTTL: time.Hour, PublishTTL: 5 * time.Minute, RotateInterval: 30 * day,
	}
}

func openAt(t *testing.T, store storage.SigningKeys, now func() time.Time, sealing byte, config keyring.Config) (*keyring.Ring, error) {
	t.Helper()
	sealer, err := seal.New(seal.NewKey([seal.KeySize]byte{sealing}))
	if err != nil {
		t.Fatal(err)
	}
	return keyring.Open(t.Context(), keyring.Deps{Store: store, Sealer: sealer, Random: secret.NewSource(nil), Now: now}, config)
}

func open(t *testing.T, store storage.SigningKeys, sealing byte, algorithm string) (*keyring.Ring, error) {
	t.Helper()
	return openAt(t, store, (&clock{now: start}).Now, sealing, config(algorithm))
}

var start = time.Unix(1_800_000_000, 0)

func TestKeysRotateByThemselvesWithoutAGap(t *testing.T) {
	store, c := new(memory), &clock{now: start}
	replicas := make([]*keyring.Ring, 2)
	for i := range replicas {
		var err error
		if replicas[i], err = openAt(t, store, c.Now, 1, config(keyring.ES256)); err != nil {
			t.Fatal(err)
		}
	}
	signers := make(map[string]time.Time) // key to when it last signed
	for c.now.Before(start.Add(100 * day)) {
		for _, ring := range replicas {
			if _, err := ring.Tend(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := ring.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		current := replicas[0].Current()
		if current.ID != replicas[1].Current().ID {
			t.Fatal("replicas sign with different keys")
		}
		if _, known := signers[current.ID]; !known && c.now.After(start) && c.now.Sub(current.CreateTime) < 5*time.Minute {
			t.Errorf("a key signs %s after it was made: verifiers do not know it", c.now.Sub(current.CreateTime))
		}
		signers[current.ID] = c.now
		for id, last := range signers {
			if _, ok := replicas[1].Lookup(id); !ok && c.now.Sub(last) <= time.Hour {
				t.Errorf("key gone %s after it signed", c.now.Sub(last))
			}
		}
		c.now = c.now.Add(3 * time.Minute)
	}
	if len(signers) != 4 || len(store.keys) > 2 {
		t.Errorf("%d keys signed in 100 days, %d are kept", len(signers), len(store.keys))
	}
}

func TestPurposesDoNotMix(t *testing.T) {
	store := new(memory)
	access, err := open(t, store, 1, keyring.HS256)
	if err != nil {
		t.Fatal(err)
	}
	refresh, err := openAt(t, store, (&clock{now: start}).Now, 1, keyring.Config{
		Purpose: storage.PurposeRefreshToken, Algorithm: keyring.RefreshMAC, TokenTTL: 30 * day,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := access.Lookup(refresh.Current().ID); ok {
		t.Error("a key for refresh tokens verifies access tokens")
	}
	if len(refresh.Public()) != 0 {
		t.Error("a symmetric key is public")
	}
}

func TestRemovingTheSigningKeyPutsAnotherInItsPlace(t *testing.T) {
	store, c := new(memory), &clock{now: start}
	ring, err := openAt(t, store, c.Now, 1, config(keyring.ES256))
	if err != nil {
		t.Fatal(err)
	}
	other, err := openAt(t, store, c.Now, 1, config(keyring.ES256))
	if err != nil {
		t.Fatal(err)
	}
	stolen := ring.Current().ID
	if err := ring.Remove(t.Context(), stolen); err != nil {
		t.Fatal(err)
	}
	if _, ok := ring.Lookup(stolen); ok || ring.Current().Signing == nil || ring.Current().ID == stolen {
		t.Error("the stolen key lives, or nothing signs")
	}
	if removed, err := other.Reload(t.Context()); err != nil || !removed {
		t.Errorf("the other replica noticed: %t, %v", removed, err)
	}
	if err := ring.Remove(t.Context(), "unknown"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("unknown key: %v", err)
	}
}

func TestTheKeyOutlivesTheProcess(t *testing.T) {
	for _, algorithm := range keyring.Algorithms() {
		store := new(memory)
		first, err := open(t, store, 1, algorithm)
		if err != nil {
			t.Fatal(err)
		}
		second, err := open(t, store, 1, algorithm)
		if err != nil || first.Current().ID != second.Current().ID {
			t.Errorf("%s: key %s became %s, %v", algorithm, first.Current().ID, second.Current().ID, err)
		}
	}
}

func TestChangingTheAlgorithmKeepsTheOldKeyForVerification(t *testing.T) {
	store := new(memory)
	old, err := open(t, store, 1, keyring.ES256)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := open(t, store, 1, keyring.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	if ring.Current().Algorithm != keyring.EdDSA {
		t.Errorf("signs with %s", ring.Current().Algorithm)
	}
	if key, ok := ring.Lookup(old.Current().ID); !ok || key.Algorithm != keyring.ES256 {
		t.Error("tokens of the old key are lost")
	}
	if len(ring.Public()) != 2 {
		t.Errorf("%d public keys", len(ring.Public()))
	}
}

func TestAWrongSealingKeyStopsTheStartAndDestroysNothing(t *testing.T) {
	store := new(memory)
	if _, err := open(t, store, 1, keyring.ES256); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, store, 2, keyring.ES256)
	if !errors.Is(err, seal.ErrUnknownKey) || !strings.Contains(err.Error(), "sealing key") {
		t.Errorf("err = %v", err)
	}
	if _, err := open(t, store, 1, keyring.ES256); err != nil {
		t.Errorf("with the right key again: %v", err)
	}
}

func TestAPrivateKeyOpensInItsOwnRowOnly(t *testing.T) {
	store := new(memory)
	ring, err := open(t, store, 1, keyring.HS256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Rotate(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	store.keys[1].Sealed = store.keys[0].Sealed
	if _, err := open(t, store, 1, keyring.HS256); err == nil {
		t.Error("who writes to the store chooses the key that signs")
	}
}

func TestPublicKeysHaveNoPrivateMember(t *testing.T) {
	for _, algorithm := range keyring.Algorithms() {
		ring, err := open(t, new(memory), 1, algorithm)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range ring.Public() {
			var key map[string]any
			if err := json.Unmarshal(raw, &key); err != nil {
				t.Fatal(err)
			}
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
				if _, ok := key[private]; ok {
					t.Errorf("%s: member %s is public", algorithm, private)
				}
			}
			if key["kid"] != ring.Current().ID || key["use"] != "sig" || key["alg"] != algorithm {
				t.Errorf("%s: key = %v", algorithm, key)
			}
		}
	}
}

func TestKeyIsNotPrinted(t *testing.T) {
	ring, err := open(t, &memory{}, 1, keyring.HS256)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %x", ring.Current(), ring.All()); got != "[redacted] [[redacted]]" {
		t.Error(got)
	}
}
