package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// errMet marks a failure of an operation that met another, which is over now.
var errMet = errors.New("met another operation")

// attempts is how often an operation is tried before its failure is told.
const attempts = 4

// retry repeats operations that met another in a way that the server resolves by undoing one of them.
type retry struct {
	// pause waits before the attempt of a number, which counts from 1.
	pause func(ctx context.Context, attempt int) error
}

func (r retry) do(ctx context.Context, operation func() error) error {
	for attempt := 1; ; attempt++ {
		err := operation()
		if attempt == attempts || !worthRetrying(err) {
			return err
		}
		if r.pause(ctx, attempt) != nil {
			return err
		}
	}
}

// worthRetrying reports whether an operation was undone in favour of another. It has certainly done nothing then. A lost
// connection leaves that open, so it is never a reason.
func worthRetrying(err error) bool {
	return errors.Is(err, errMet) || slices.Contains([]string{serializationFailure, deadlockDetected}, sqlState(err))
}

// pause waits for a random time below a bound that doubles with each attempt, so that those who met do not meet again.
func pause(ctx context.Context, attempt int) error {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	bound := uint64(10*time.Millisecond) << attempt
	timer := time.NewTimer(time.Duration(binary.NativeEndian.Uint64(random[:]) % bound)) //nolint:gosec // below bound
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
