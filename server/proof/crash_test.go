package proof_test

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// A code gives one set of tokens, also when the process dies while it is redeemed. A client that got no answer may ask
// again: it gets tokens, or it learns that the code is spent, and then nothing stays behind.
func TestCrashWhileACodeIsRedeemed(t *testing.T) {
	for point, again := range map[string]bool{"before RedeemCode": true, "after RedeemCode": false} {
		t.Run(point, func(t *testing.T) {
			w := newWorld(t)
			clientID := w.mustRegister()
			code, err := w.code(t.Context(), clientID, "alice")
			w.must(err)
			w.crash(point, "ExchangeToken", exchange(clientID, code))
			w.clock.Advance(time.Second)

			retried, err := w.token(t.Context(), exchange(clientID, code))
			if again {
				w.must(err)
				w.wantActive("the retry", retried, true)
			} else {
				w.wantRefused("the retry", err, "invalid_grant")
			}
			_, err = w.token(t.Context(), exchange(clientID, code))
			w.wantRefused("one use more", err, "invalid_grant")
			if n := w.live(clientID); n != 0 {
				t.Errorf("%d grants live on after the replay", n)
			}
			w.wantUnharmed()
		})
	}
}

// A client that holds the last refresh token that it has received stays logged in when it asks again within the grace
// window, however often the process dies, and has one successor.
func TestCrashWhileARefreshTokenIsRotated(t *testing.T) {
	for name, points := range map[string][]string{
		"before the commit":            {"before RotateRefreshToken"},
		"after the commit":             {"after RotateRefreshToken"},
		"after the commit and again":   {"after RotateRefreshToken", "after RotateRefreshToken"},
		"before and after the commit":  {"before RotateRefreshToken", "after RotateRefreshToken"},
		"after the commit, and before": {"after RotateRefreshToken", "before RotateRefreshToken"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			first := w.mustLogin("alice")
			for _, point := range points {
				w.crash(point, "ExchangeToken", first.rotation())
			}
			w.clock.Advance(grace - time.Second)
			w.wantActive("the acknowledged token", first, true)
			second, err := w.token(t.Context(), first.rotation())
			w.must(err)
			repeated, err := w.token(t.Context(), first.rotation())
			w.must(err)
			if second.refresh != repeated.refresh {
				t.Error("the token has two successors")
			}
			third, err := w.token(t.Context(), second.rotation())
			w.must(err)
			w.wantActive("the last session", third, true)
			if n := w.live(first.clientID); n != 1 {
				t.Errorf("%d grants live", n)
			}
			w.wantUnharmed()
		})
	}
}

// What the table in docs/decisions.md promises about a crash during a renewal, for each kind of provider: its refresh
// token is presented once without doubt about an earlier try, twice with one; only a strict provider ends this one user's
// session then.
func TestCrashWhileTheProvidersTokenIsRenewed(t *testing.T) {
	type outcome struct {
		presented int  // the refresh token that the crash was about
		strict    bool // whether the session survives at a provider that ends it at a second presentation
	}
	for point, want := range map[string]outcome{
		"before BeginRenewal":  {1, true},
		"after BeginRenewal":   {1, true},
		"before Renew":         {1, true},
		requestArrived:         {2, true},
		providerAnswered:       {2, false},
		"after Renew":          {2, false},
		"before FinishRenewal": {2, false},
		"after FinishRenewal":  {1, true},
	} {
		for mode, name := range map[upstreamtest.Rotation]string{
			upstreamtest.RotateStrict: "strict rotation", upstreamtest.Repeat: "repeat", upstreamtest.Omit: "omit",
		} {
			t.Run(point+"/"+name, func(t *testing.T) {
				w := newWorld(t, func(s *upstreamtest.Settings) { s.Rotation = mode })
				alice := w.mustLogin("alice")
				presented := w.tokens(alice).RefreshToken
				w.clock.Advance(4*time.Minute + 30*time.Second) // of five
				w.crash(point, "VerifyToken", alice.verification())

				w.clock.Advance(time.Second)
				w.wantActive("while the lease stands", alice, true)
				w.clock.Advance(lease)
				lives := want.strict || mode != upstreamtest.RotateStrict
				w.wantActive("after the lease", alice, lives)
				if n := w.idp.Presentations(presented); n != want.presented {
					t.Errorf("presented %d times, want %d", n, want.presented)
				}
				_, err := w.token(t.Context(), alice.rotation())
				if lives {
					w.must(err)
				} else {
					w.wantRefused("refreshing", err, "invalid_grant")
				}
				w.wantUnharmed()
			})
		}
	}
}

// A callback counts once. Who dies with it sends the user back to the start and to nothing worse; the provider's code is
// never presented twice.
func TestCrashDuringTheCallback(t *testing.T) {
	for point, presented := range map[string]int{
		"before ClaimTransaction":    0,
		"after ClaimTransaction":     0,
		"before Exchange":            0,
		requestArrived:               1,
		providerAnswered:             1,
		"after Exchange":             1,
		"before CompleteTransaction": 1,
		"after CompleteTransaction":  1,
	} {
		t.Run(point, func(t *testing.T) {
			w := newWorld(t)
			clientID := w.mustRegister()
			answer, err := w.signIn(t.Context(), clientID, "alice")
			w.must(err)
			w.crash(point, "CompleteAuthorization", answer)
			providersCode := secret.NewText(answer.GetCode())
			if n := w.idp.Presentations(providersCode); n != presented {
				t.Errorf("the provider's code was presented %d times, want %d", n, presented)
			}
			code, err := w.complete(t.Context(), answer)
			again := "transaction_failed"
			if point == "after CompleteTransaction" {
				again = "transaction_used"
			}
			if point == "before ClaimTransaction" {
				w.must(err)
				_, err = w.token(t.Context(), exchange(clientID, code))
				w.must(err)
			} else {
				w.wantRefused("the callback again", err, again)
			}
			if n := w.idp.Presentations(providersCode); n > 1 {
				t.Errorf("the provider's code was presented %d times", n)
			}
			if point == "after CompleteTransaction" {
				w.wantGivenBack()
			}
			w.wantUnharmed()
		})
	}
}

// wantGivenBack checks that tokens go back to the provider when the code that needed them was never sent.
func (w *world) wantGivenBack() {
	w.t.Helper()
	if gone, err := w.kernel.reaper.Reap(w.t.Context(), 10); err != nil || gone != 0 {
		w.t.Errorf("%d credentials were given back while the code lived, %v", gone, err)
	}
	w.clock.Advance(codeTTL)
	if gone, err := w.kernel.reaper.Reap(w.t.Context(), 10); err != nil || gone != 1 {
		w.t.Errorf("%d credentials were given back, %v; want 1", gone, err)
	}
}
