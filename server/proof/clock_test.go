package proof_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// A clock that is set back and forth by hours logs nobody out: who holds the newest token goes on, nothing is given out
// twice, and what is given out has a life.
func TestClocksThatJump(t *testing.T) {
	seed := seed(t)
	for i := range uint64(8) {
		t.Run(fmt.Sprintf("seed %d", seed+i), func(t *testing.T) {
			w := newWorld(t)
			r := rand.New(rand.NewPCG(seed+i, 0))
			first := w.clock.Now()
			trips := []*trip{{w: w, session: w.bystander}}
			for range 30 {
				w.clock.Set(first.Add(time.Duration(r.IntN(12*60*60)) * time.Second))
				if r.IntN(5) == 0 {
					w.stop()
					w.start()
				}
				if r.IntN(4) == 0 {
					trips = append(trips, newTrip(w))
				}
				trips[r.IntN(len(trips))].goOn()
			}
		})
	}
}

// A store that is slow, and slower than leases live, costs patience and no session.
func TestStoreThatIsSlow(t *testing.T) {
	for _, delay := range []time.Duration{time.Second, 7 * time.Second, 25 * time.Second} {
		t.Run(delay.String(), func(t *testing.T) {
			w := newWorld(t)
			fast := &trip{w: w, session: w.bystander}
			w.stop()
			w.wrap = func(store storage.Store) storage.Store { return slowStore{store, w.clock, delay} }
			w.start()
			for range 8 {
				fast.goOn()
				w.clock.Advance(4 * time.Minute)
			}
			clientID := w.mustRegister()
			code, err := w.code(t.Context(), clientID, "alice")
			w.must(err)
			sent := w.clock.Now()
			_, err = w.ExchangeToken(t.Context(), exchange(clientID, code))
			if w.clock.Now().Before(sent.Add(codeTTL)) {
				w.must(err)
			} else if err != nil {
				w.wantRefused("an exchange that takes longer than the code lives", err, "invalid_grant")
			}
		})
	}
}

// The last access token of a grant lives as long as the grant, and there is none after it.
func TestLastTokenEndsWithItsGrant(t *testing.T) {
	w := newWorld(t)
	alice := w.mustLogin("alice")
	for range 3 {
		w.clock.Advance(29 * 24 * time.Hour)
		var err error
		alice, err = w.token(t.Context(), alice.rotation())
		w.must(err)
	}
	w.clock.Advance(3*24*time.Hour - 10*time.Second)
	tokens, err := w.ExchangeToken(t.Context(), alice.rotation())
	if err != nil || tokens.GetExpiresIn() != 10 {
		t.Errorf("expires_in = %d, %v; want 10", tokens.GetExpiresIn(), err)
	}
	w.clock.Advance(10 * time.Second)
	_, err = w.token(t.Context(), session{clientID: alice.clientID, refresh: tokens.GetRefreshToken()}.rotation())
	w.wantRefused("after the grant", err, "invalid_grant")
}

// trip is a client that remembers its newest tokens.
type trip struct {
	w       *world
	session session
}

func newTrip(w *world) *trip {
	w.t.Helper()
	return &trip{w: w, session: w.mustLogin("alice")}
}

// goOn refreshes, sometimes as if the first answer had been lost, and uses what came.
func (p *trip) goOn() {
	p.w.t.Helper()
	first := p.refresh()
	if again := p.refresh(); again.GetRefreshToken() != first.GetRefreshToken() {
		p.w.t.Error("one token has two successors")
	}
	p.session = session{p.session.clientID, first.GetAccessToken(), first.GetRefreshToken()}
	verdict, err := p.w.VerifyToken(p.w.t.Context(), p.session.verification())
	if err != nil || !verdict.GetActive() {
		p.w.t.Errorf("a new token: %v, %v", verdict, err)
	}
}

func (p *trip) refresh() *gatehousev1.ExchangeTokenResponse {
	p.w.t.Helper()
	tokens, err := p.w.ExchangeToken(p.w.t.Context(), p.session.rotation())
	if err != nil {
		p.w.t.Fatalf("the newest token was refused: %v", err)
	}
	if life := tokens.GetExpiresIn(); life == 0 || life > uint32(modelAccessTTL/time.Second) {
		p.w.t.Errorf("expires_in = %d", life)
	}
	return tokens
}

// slowStore takes its time before and after each step of the token paths. The time passes on the clock of the test.
type slowStore struct {
	storage.Store
	clock *upstreamtest.Clock
	delay time.Duration
}

func (s slowStore) wait() func() {
	s.clock.Advance(s.delay)
	return func() { s.clock.Advance(s.delay) }
}

func (s slowStore) Grant(ctx context.Context, id string) (storage.Grant, error) {
	defer s.wait()()
	return s.Store.Grant(ctx, id)
}

func (s slowStore) Evidence(ctx context.Context, grantID string) (storage.Evidence, error) {
	defer s.wait()()
	return s.Store.Evidence(ctx, grantID)
}

func (s slowStore) Code(ctx context.Context, hash secret.Hash) (storage.Code, error) {
	defer s.wait()()
	return s.Store.Code(ctx, hash)
}

func (s slowStore) RedeemCode(ctx context.Context, hash secret.Hash, now time.Time, grant storage.Grant) error {
	defer s.wait()()
	return s.Store.RedeemCode(ctx, hash, now, grant)
}

func (s slowStore) BeginRenewal(ctx context.Context, id string, version int64, now, until time.Time) (storage.Lease, error) {
	defer s.wait()()
	return s.Store.BeginRenewal(ctx, id, version, now, until)
}

func (s slowStore) FinishRenewal(ctx context.Context, renewed storage.Credential, fence int64) error {
	defer s.wait()()
	return s.Store.FinishRenewal(ctx, renewed, fence)
}
