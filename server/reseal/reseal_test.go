package reseal_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/reseal"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// store is sealed values in memory.
type store struct {
	values map[string]storage.SealedValue
	// before is called before each replacement, for what happens meanwhile.
	before func(storage.SealedValue)
}

func (s *store) otherwise(keyID []byte) []storage.SealedValue {
	var found []storage.SealedValue
	for _, value := range s.values {
		if string(value.Sealed[1:9]) != string(keyID) {
			found = append(found, value)
		}
	}
	return found
}

// SealedOtherwise returns values under another key.
func (s *store) SealedOtherwise(_ context.Context, keyID []byte, limit int) ([]storage.SealedValue, error) {
	found := s.otherwise(keyID)
	return found[:min(limit, len(found))], nil
}

// CountSealedOtherwise counts them.
func (s *store) CountSealedOtherwise(_ context.Context, keyID []byte) (int64, error) {
	return int64(len(s.otherwise(keyID))), nil
}

// ReplaceSealed replaces a value that has not changed.
func (s *store) ReplaceSealed(_ context.Context, value storage.SealedValue, sealed []byte) error {
	if s.before != nil {
		s.before(value)
	}
	if string(s.values[value.ID].Sealed) != string(value.Sealed) {
		return storage.ErrConflict
	}
	value.Sealed = sealed
	s.values[value.ID] = value
	return nil
}

var oldKey, newKey = seal.NewKey([seal.KeySize]byte{1}), seal.NewKey([seal.KeySize]byte{2})

func sealer(t *testing.T, keys ...seal.Key) *seal.Sealer {
	t.Helper()
	s, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func place(id string) seal.Place {
	return seal.Place{Table: "credentials", Column: "sealed", Row: id}
}

// fill seals n values with the old key.
func fill(t *testing.T, n int) *store {
	t.Helper()
	s := &store{values: make(map[string]storage.SealedValue)}
	old := sealer(t, oldKey)
	for i := range n {
		id := fmt.Sprint(i)
		s.values[id] = storage.SealedValue{Table: "credentials", ID: id, Sealed: old.Seal([]byte("value "+id), place(id))}
	}
	return s
}

func TestWalkMovesEverythingToTheCurrentKey(t *testing.T) {
	s := fill(t, 250)
	walker := reseal.New(s, sealer(t, newKey, oldKey))
	if status, err := walker.Status(t.Context()); err != nil || status.Pending != 250 {
		t.Errorf("status = %+v, %v", status, err)
	}
	for {
		moved, err := walker.Walk(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if moved == 0 {
			break
		}
	}
	if status, err := walker.Status(t.Context()); err != nil || status.Pending != 0 {
		t.Errorf("status = %+v, %v", status, err)
	}
	alone := sealer(t, newKey) // the old key may go
	for id, value := range s.values {
		if plaintext, err := alone.Open(value.Sealed, place(id)); err != nil || string(plaintext) != "value "+id {
			t.Errorf("%s: %q, %v", id, plaintext, err)
		}
	}
}

func TestValueThatChangedMeanwhileIsLeftToWhoChangedIt(t *testing.T) {
	s := fill(t, 1)
	both := sealer(t, newKey, oldKey)
	fresh := both.Seal([]byte("a renewed token"), place("0"))
	s.before = func(value storage.SealedValue) {
		s.values[value.ID] = storage.SealedValue{Table: value.Table, ID: value.ID, Sealed: fresh}
	}
	if moved, err := reseal.New(s, both).Walk(t.Context()); err != nil || moved != 0 {
		t.Errorf("moved %d, %v", moved, err)
	}
	if string(s.values["0"].Sealed) != string(fresh) {
		t.Error("the renewed token was overwritten")
	}
}

func TestMissingKeyIsSaidAndDestroysNothing(t *testing.T) {
	s := fill(t, 3)
	_, err := reseal.New(s, sealer(t, newKey)).Walk(t.Context())
	if !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("err = %v", err)
	}
	for id, value := range s.values {
		if _, err := sealer(t, oldKey).Open(value.Sealed, place(id)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}
