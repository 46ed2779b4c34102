package credential_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// faultyStore fails in one method.
type faultyStore struct {
	storage.Store
	fails string
}

func (s *faultyStore) fault(method string) error {
	if s.fails == method {
		return storage.ErrUnavailable
	}
	return nil
}

func (s *faultyStore) Credential(ctx context.Context, id string) (storage.Credential, error) {
	if err := s.fault("Credential"); err != nil {
		return storage.Credential{}, err
	}
	return s.Store.Credential(ctx, id)
}

func (s *faultyStore) BeginRenewal(
	ctx context.Context, id string, version int64, now, until time.Time,
) (storage.Lease, error) {
	if err := s.fault("BeginRenewal"); err != nil {
		return storage.Lease{}, err
	}
	return s.Store.BeginRenewal(ctx, id, version, now, until)
}

func (s *faultyStore) EndCredential(
	ctx context.Context, id string, fence int64, now time.Time, reason string,
) ([]string, error) {
	if err := s.fault("EndCredential"); err != nil {
		return nil, err
	}
	return s.Store.EndCredential(ctx, id, fence, now, reason)
}

// TestAStoreThatFailsIsNoVerdict: where the provider refuses and the store cannot take it down, nobody is told that the
// login is over, and nothing has ended. When the store is back, it does.
func TestAStoreThatFailsIsNoVerdict(t *testing.T) {
	for _, method := range []string{"Credential", "BeginRenewal", "EndCredential"} {
		for name, withoutRefresh := range map[string]bool{"a renewal that is refused": false, "tokens that lapse": true} {
			t.Run(method+" in "+name, func(t *testing.T) {
				b := newBench(t)
				login := b.idp.LogIn(t, b.provider, "alice")
				if withoutRefresh {
					login.Tokens.RefreshToken = secret.Text{}
				}
				b.keep(t, login)
				confirmation := b.confirmation(t)
				store := &faultyStore{Store: b.store, fails: method}
				b.store = store
				keeper := b.keeper(t, b.provider)
				b.idp.LogOut("alice")
				b.clock.Advance(20 * time.Minute)
				if standing, err := keeper.Standing(t.Context(), confirmation); err == nil && !standing.Held {
					t.Error("an outage became a verdict")
				}
				if !b.live(t) || len(b.revoked) > 0 {
					t.Error("the grant has ended")
				}
				store.fails = ""
				b.clock.Advance(time.Minute) // a lease that nobody could give back runs out
				if standing, err := keeper.Standing(t.Context(), confirmation); err != nil || standing.Held {
					t.Errorf("afterwards: %+v, %v", standing, err)
				}
				if b.live(t) {
					t.Error("the grant lives on")
				}
			})
		}
	}
}

// TestALoginAtTheMomentOfARefusalIsAnother: clocks are coarse, and what the provider refused were other tokens.
func TestALoginAtTheMomentOfARefusalIsAnother(t *testing.T) {
	b := newBench(t)
	withoutRefresh := func() upstream.Login {
		login := b.idp.LogIn(t, b.provider, "alice")
		login.Tokens.RefreshToken = secret.Text{}
		return login
	}
	b.keep(t, withoutRefresh())
	keeper := b.keeper(t, b.provider)
	b.idp.LogOut("alice")
	b.clock.Advance(time.Minute)
	b.wantHeld(t, keeper, false)
	b.keep(t, withoutRefresh())
	b.wantHeld(t, keeper, true)
	b.idp.SetFault(upstreamtest.Introspection, upstreamtest.Status(503))
	b.clock.Advance(time.Minute)
	b.wantHeld(t, keeper, true) // the last word stands, which is the login
}
