package proof_test

import (
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// A first start with a clock that is ahead, or beside a replica whose clock is, is no reason to refuse anybody, nor not
// to start again.
func TestClockBehindTheFirstKey(t *testing.T) {
	for _, behind := range []time.Duration{2 * time.Second, 3 * time.Hour} {
		t.Run(behind.String(), func(t *testing.T) {
			w := newWorld(t)
			alice := w.mustLogin("alice")
			w.clock.Advance(-behind)
			w.stop()
			w.start()
			next, err := w.token(t.Context(), alice.rotation())
			w.must(err)
			next, err = w.token(t.Context(), next.rotation())
			w.must(err)
			w.wantActive("a new token", next, true)
		})
	}
}

// A login that was stored by a clock that was ahead is not taken for a fresh confirmation until the time catches up.
func TestDisabledUserIsNoticedWhenTheClockWasPutRight(t *testing.T) {
	const ahead = 3 * time.Hour
	w := newWorld(t)
	w.clock.Advance(ahead)
	alice := w.mustLogin("alice")
	w.clock.Advance(-ahead)
	alice, err := w.token(t.Context(), alice.rotation())
	w.must(err)
	w.idp.DisableUser("alice")
	w.clock.Advance(2 * time.Minute)
	w.wantActive("a user who was disabled two minutes ago", alice, false)
}

// A verdict that was remembered by a clock that was ahead does not outlive the memory of its revocation.
func TestRevokedTokenStaysRevokedWhenTheClockWasPutRight(t *testing.T) {
	const ahead = 10 * time.Minute
	w := newWorld(t)
	w.clock.Advance(ahead)
	alice := w.mustLogin("alice")
	cached := alice.verification()
	cached.Freshness = gatehousev1.Freshness_FRESHNESS_CACHED
	if verdict, err := w.VerifyToken(t.Context(), cached); err != nil || !verdict.GetActive() {
		t.Fatal(verdict, err)
	}
	w.clock.Advance(-ahead)
	for _, s := range []session{alice, w.mustLogin("bob")} { // the second lets the cache clean up
		_, err := w.RevokeToken(t.Context(), &gatehousev1.RevokeTokenRequest{ClientId: s.clientID, Token: s.refresh})
		w.must(err)
		w.clock.Advance(121 * time.Second)
	}
	if verdict, err := w.VerifyToken(t.Context(), cached); err != nil || verdict.GetActive() {
		t.Errorf("a revoked token: %v, %v", verdict, err)
	}
}
