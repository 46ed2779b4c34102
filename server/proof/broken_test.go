package proof_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// careless is a store that reads, and then writes what it takes to be true still. Called by one after the other it is
// without fault.
type careless struct{ storage.Store }

func (s careless) RedeemCode(ctx context.Context, hash secret.Hash, now time.Time, grant storage.Grant) error {
	code, err := s.Code(ctx, hash)
	if err != nil {
		return err
	}
	err = s.Store.RedeemCode(ctx, hash, now, grant)
	if code.UseTime.IsZero() && errors.Is(err, storage.ErrUsed) {
		return nil
	}
	return err
}

func (s careless) RotateRefreshToken(ctx context.Context, rotation storage.Rotation) (storage.Rotated, error) {
	grant, err := s.Grant(ctx, rotation.GrantID)
	if err != nil {
		return storage.Rotated{}, err
	}
	rotated, err := s.Store.RotateRefreshToken(ctx, rotation)
	if grant.Refresh.Generation == rotation.Generation {
		rotated.Repeated = false
	}
	return rotated, err
}

func (s careless) BeginRenewal(ctx context.Context, id string, version int64, now, until time.Time) (storage.Lease, error) {
	credential, err := s.Credential(ctx, id)
	if err != nil {
		return storage.Lease{}, err
	}
	lease, err := s.Store.BeginRenewal(ctx, id, version, now, until)
	free := credential.Version == version && !now.Before(credential.LeaseTime)
	if free && errors.Is(err, storage.ErrConflict) {
		credential.Attempts++
		return storage.Lease{Credential: credential, Fence: now.UnixMicro() + 1}, nil
	}
	return lease, err
}

// The checks above are worth what they catch.
func TestReadThenWriteIsCaught(t *testing.T) {
	broken := func(t *testing.T) *stage {
		t.Helper()
		stage := openSQLite(t)
		stage.stores[0] = careless{stage.stores[0]}
		return stage
	}
	for name, count := range map[string]func(*testing.T, *stage) int{
		"codes": func(t *testing.T, s *stage) int { return len(unexplained(t, s, histories, s.codes(t))) },
		"lines": func(t *testing.T, s *stage) int { return len(unexplained(t, s, histories, s.lines(t))) },
		"leases": func(t *testing.T, s *stage) int {
			return len(unexplained(t, s, histories, s.leases(t)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := count(t, broken(t))
			if found == 0 {
				t.Error("a store that reads and then writes passes")
			}
			t.Logf("%d of %d histories give it away", found, histories)
		})
	}
}
