package verify

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/token"
)

// world is a key, a store and a provider. A pause holds up whoever has read the one and not yet answered.
type world struct {
	mu       sync.Mutex
	keyGone  bool
	keyNew   bool  // the key is unknown until the keys are read again
	outage   error // of reading the keys
	revoked  bool
	reads    int
	elapsed  time.Duration
	until    time.Duration // how long the provider's word stands; zero is a minute
	parse    func()        // runs after a token was found good, before that is told
	read     func()        // runs after the grant was read
	standing func()        // runs while the provider is asked
}

func do(f func()) {
	if f != nil {
		f()
	}
}

func (w *world) Parse(string) (token.Claims, error) {
	w.mu.Lock()
	gone, unknown, pause := w.keyGone, w.keyNew, w.parse
	w.mu.Unlock()
	if unknown {
		return token.Claims{}, token.ErrUnknownKey
	}
	if gone {
		return token.Claims{}, token.ErrSignature
	}
	do(pause)
	return token.Claims{GrantID: "g", Subject: "u", ClientID: "c", Audience: "r", Scope: "mcp", Expiry: start.Add(time.Hour).Unix()}, nil
}

func (w *world) Refresh(context.Context) error {
	w.set(func() { w.keyNew = w.outage != nil })
	return w.outage
}

func (w *world) Evidence(context.Context, string) (storage.Evidence, error) {
	w.mu.Lock()
	w.reads++
	revoked, pause := w.revoked, w.read
	w.mu.Unlock()
	do(pause)
	grant := storage.Grant{ID: "g", UserID: "u", ClientID: "c", Resource: "r", ExpireTime: start.Add(time.Hour)}
	if revoked {
		grant.RevokeTime = start
	}
	return storage.Evidence{Grant: grant}, nil
}

func (w *world) Standing(context.Context, storage.Confirmation) (credential.Standing, error) {
	do(w.standing)
	return credential.Standing{Held: true, Until: start.Add(cmp.Or(w.until, time.Minute))}, nil
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return start.Add(w.elapsed)
}

func (w *world) verifier(t *testing.T) *Verifier {
	t.Helper()
	v, err := New(Deps{Parser: w, Keys: w, Grants: w, Keeper: w, Now: w.now},
		Config{CacheSize: 10, RecheckInterval: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// endings are what makes a good token bad, each acknowledged when it returns.
func endings(w *world, v *Verifier) map[string]func() Reason {
	return map[string]func() Reason{
		"a revocation": func() Reason {
			w.set(func() { w.revoked = true })
			v.Revoked("g")
			return Revoked
		},
		"a revocation among too many to remember": func() Reason {
			w.set(func() { w.revoked = true })
			v.Revoked(append(make([]string, maxRevoked), "g")...)
			return Revoked
		},
		"the removal of the key": func() Reason {
			w.set(func() { w.keyGone = true })
			v.Forget()
			return Signature
		},
	}
}

func request(strict bool) Request {
	return Request{Token: secret.NewText("t"), Resource: "r", Strict: strict}
}

// held begins a question, stops it at a point, and lets an ending happen. It returns what lets the question go on and what
// waits for its answer.
func held(t *testing.T, w *world, v *Verifier, point *func(), strict bool) (release, wait func(), reason *Reason) {
	gate, answered := make(chan struct{}), make(chan struct{})
	reason = new(Reason)
	w.set(func() { *point = func() { <-gate } })
	go func() {
		defer close(answered)
		verdict, err := v.Verify(t.Context(), request(strict))
		if err != nil {
			t.Error(err)
			return
		}
		*reason = verdict.Reason
	}()
	synctest.Wait()
	w.set(func() { *point = nil })
	return func() { close(gate) }, func() { <-answered }, reason
}

func TestNoAnswerAfterAnEndIsActive(t *testing.T) {
	for _, ending := range []string{"a revocation", "a revocation among too many to remember", "the removal of the key"} {
		for name, strict := range map[string]bool{"cached": false, "strict": true} {
			for place, point := range map[string]func(*world) *func(){
				"after the token was parsed":   func(w *world) *func() { return &w.parse },
				"after the grant was read":     func(w *world) *func() { return &w.read },
				"while the provider was asked": func(w *world) *func() { return &w.standing },
			} {
				t.Run(ending+" "+place+", "+name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := &world{}
						v := w.verifier(t)
						release, wait, early := held(t, w, v, point(w), strict)
						want := endings(w, v)[ending]()
						late := make(chan Reason, 1)
						go func() { // joins what is under way, unless it sees the end itself
							verdict, err := v.Verify(t.Context(), request(strict))
							if err != nil {
								t.Error(err)
							}
							late <- verdict.Reason
						}()
						synctest.Wait()
						release()
						wait()
						if got := <-late; got != want {
							t.Errorf("a question asked after it: %q, want %q", got, want)
						}
						if *early != want {
							t.Errorf("a question under way: %q, want %q", *early, want)
						}
						if verdict, err := v.Verify(t.Context(), request(false)); err != nil || verdict.Reason != want {
							t.Errorf("remembered: %v, %v", verdict, err)
						}
					})
				})
			}
		}
	}
}

func TestAnEndElsewhereDisturbsNobody(t *testing.T) {
	w := &world{}
	v := w.verifier(t)
	w.read = func() { v.Revoked("another") }
	for range 3 {
		if verdict, err := v.Verify(t.Context(), request(false)); err != nil || !verdict.Active() {
			t.Fatalf("%v, %v", verdict, err)
		}
	}
	if w.reads != 1 {
		t.Errorf("the grant was read %d times", w.reads)
	}
}

func TestVerdictsThatNeverSettleAreAnOutage(t *testing.T) {
	w := &world{}
	v := w.verifier(t)
	w.read = v.Forget
	_, err := v.Verify(t.Context(), request(false))
	public, ok := errors.AsType[*oauth.Error](err)
	if !ok || public.Code != oauth.TemporarilyUnavailable || w.reads != maxLooks {
		t.Errorf("err = %v after %d looks", err, w.reads)
	}
}

func TestTokenOfAKeyThatWasJustMadeElsewhereIsGood(t *testing.T) {
	w := &world{keyNew: true}
	v := w.verifier(t)
	if verdict, err := v.Verify(t.Context(), request(false)); err != nil || !verdict.Active() {
		t.Errorf("%v, %v", verdict, err)
	}
	w.set(func() { w.keyNew, w.outage = true, errors.New("down") })
	verdict, err := v.Verify(t.Context(), request(true))
	if public, ok := errors.AsType[*oauth.Error](err); !ok || public.Code != oauth.TemporarilyUnavailable {
		t.Errorf("during an outage: %v, %v", verdict, err)
	}
}

// TestAnswerStandsForTheShorterTime: a token is looked at again after the interval, and earlier when the provider's word stands for
// less.
func TestAnswerStandsForTheShorterTime(t *testing.T) {
	for until, want := range map[time.Duration]time.Duration{
		30 * time.Second: 30 * time.Second, 10 * time.Minute: time.Minute,
	} {
		w := &world{until: until}
		v := w.verifier(t)
		for _, step := range []struct {
			at    time.Duration
			reads int
		}{{0, 1}, {want - 1, 1}, {want, 2}} {
			w.set(func() { w.elapsed = step.at })
			if verdict, err := v.Verify(t.Context(), request(false)); err != nil || !verdict.Active() || w.reads != step.reads {
				t.Errorf("after %s, with a word for %s: %+v, %v, %d reads; want %d", step.at, until, verdict, err, w.reads, step.reads)
			}
		}
	}
}
