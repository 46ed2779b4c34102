package keyring_test

import (
	"context"
	"encoding/json"
	"errors"
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

func (m *memory) EnsureSigningKey(_ context.Context, key storage.SigningKey) (storage.SigningKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.keys {
		if k.Algorithm == key.Algorithm && k.RetireTime.IsZero() {
			return k, nil
		}
	}
	m.keys = append(m.keys, key)
	return key, nil
}

func open(t *testing.T, store storage.SigningKeys, sealing byte, algorithm string) (*keyring.Ring, error) {
	t.Helper()
	sealer, err := seal.New(seal.Key{sealing})
	if err != nil {
		t.Fatal(err)
	}
	return keyring.Open(t.Context(), keyring.Deps{Store: store, Sealer: sealer, Random: secret.NewSource(nil), Now: time.Now}, algorithm)
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
