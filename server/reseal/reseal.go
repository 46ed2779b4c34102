// Package reseal moves what is sealed with an older key to the current one, so that the older one can be taken away. It
// runs beside the traffic, on every replica, and may be stopped anywhere.
package reseal

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// batch is how many values are read at once.
const batch = 100

// Sealer opens with every key and seals with the current one.
type Sealer interface {
	Seal(plaintext []byte, place seal.Place) []byte
	Open(sealed []byte, place seal.Place) ([]byte, error)
	CurrentKeyID() []byte
}

// Walker re-seals values.
type Walker struct {
	store  storage.SealedValues
	sealer Sealer
}

// New returns a Walker.
func New(store storage.SealedValues, sealer Sealer) *Walker {
	return &Walker{store: store, sealer: sealer}
}

// Walk re-seals a batch and returns how many values it moved. A value that changed meanwhile was sealed anew by whoever
// changed it. A value that cannot be opened stays as it is and is an error: the key that sealed it is missing.
func (w *Walker) Walk(ctx context.Context) (int, error) {
	values, err := w.store.SealedOtherwise(ctx, w.sealer.CurrentKeyID(), batch)
	if err != nil {
		return 0, err
	}
	moved := 0
	var problems []error
	for _, value := range values {
		place := seal.Place{Table: value.Table, Column: "sealed", Row: value.ID}
		plaintext, err := w.sealer.Open(value.Sealed, place)
		if err != nil {
			problems = append(problems, fmt.Errorf("reseal: %s %s: %w", value.Table, value.ID, err))
			continue
		}
		switch err := w.store.ReplaceSealed(ctx, value, w.sealer.Seal(plaintext, place)); {
		case err == nil:
			moved++
		case !errors.Is(err, storage.ErrConflict):
			return moved, err
		}
	}
	return moved, errors.Join(problems...)
}

// Status is how far the walk is.
type Status struct {
	CurrentKeyID string
	Pending      int64
}

// Status counts what is left.
func (w *Walker) Status(ctx context.Context) (Status, error) {
	pending, err := w.store.CountSealedOtherwise(ctx, w.sealer.CurrentKeyID())
	return Status{CurrentKeyID: hex.EncodeToString(w.sealer.CurrentKeyID()), Pending: pending}, err
}
