package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// store is an outbox in memory.
type store struct {
	mu   sync.Mutex
	rows []storage.Revocation
	high int64
	err  error
	// pause holds up the next reader of the rows.
	pause func()
}

func (s *store) add(sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, storage.Revocation{Sequence: sequence, GrantID: grant(sequence)})
	slices.SortFunc(s.rows, func(a, b storage.Revocation) int { return int(a.Sequence - b.Sequence) })
	s.high = max(s.high, sequence)
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Revocations returns what is above a position.
func (s *store) Revocations(_ context.Context, after int64, limit int) ([]storage.Revocation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pause := s.pause; pause != nil {
		s.pause = nil
		s.mu.Unlock()
		pause()
		s.mu.Lock()
	}
	var found []storage.Revocation
	for _, row := range s.rows {
		if row.Sequence > after && len(found) < limit {
			found = append(found, row)
		}
	}
	return found, s.err
}

// RevocationBounds returns what is stored.
func (s *store) RevocationBounds(context.Context) (lowest, highest int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rows) > 0 {
		lowest = s.rows[0].Sequence
	}
	return lowest, s.high, s.err
}

// verifier records what it is told.
type verifier struct {
	mu      sync.Mutex
	revoked map[string]int
	forgot  int
}

func (v *verifier) Revoked(ids ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, id := range ids {
		v.revoked[id]++
	}
}

func (v *verifier) Forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forgot++
}

func grant(sequence int64) string { return fmt.Sprint("grant-", sequence) }

func newFollower() (*Follower, *store, *verifier) {
	s, v := &store{}, &verifier{revoked: make(map[string]int)}
	return NewFollower(s, v, slog.New(slog.DiscardHandler)), s, v
}

func poll(t *testing.T, f *Follower) {
	t.Helper()
	if err := f.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func subscribe(t *testing.T, f *Follower, after int64) Subscription {
	t.Helper()
	subscription, err := f.Subscribe(t.Context(), after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(subscription.End)
	return subscription
}

func TestEveryRevocationIsToldOnce(t *testing.T) {
	f, s, v := newFollower()
	poll(t, f)
	for sequence := range int64(3 * batch) {
		s.add(sequence + 1)
	}
	poll(t, f)
	poll(t, f)
	for sequence := range int64(3 * batch) {
		if n := v.revoked[grant(sequence+1)]; n != 1 {
			t.Fatalf("%s was told %d times", grant(sequence+1), n)
		}
	}
}

func TestSubscriberHearsFromItsPositionOn(t *testing.T) {
	f, s, _ := newFollower()
	for sequence := range int64(5) {
		s.add(sequence + 1)
	}
	poll(t, f)
	heard := subscribe(t, f, 3)
	first, messages := heard.First, heard.Messages
	if first.Position != 5 || first.Reset || !slices.Contains(first.GrantIDs, grant(4)) || !slices.Contains(first.GrantIDs, grant(5)) {
		t.Errorf("first = %+v", first)
	}
	s.add(6)
	poll(t, f)
	if next := <-messages; next.Position != 6 || !slices.Equal(next.GrantIDs, []string{grant(6)}) {
		t.Errorf("next = %+v", next)
	}
	poll(t, f)
	if quiet := <-messages; quiet.Position != 6 || len(quiet.GrantIDs) != 0 {
		t.Errorf("a sign of life = %+v", quiet)
	}
}

func TestPositionsThatCannotBeServedAreReset(t *testing.T) {
	f, s, _ := newFollower()
	for sequence := range int64(10) {
		s.add(sequence + 11)
	}
	poll(t, f)
	for after, want := range map[int64]bool{0: false, 10: false, 15: false, 20: false, 9: true, 3: true, 99: true} {
		if first := subscribe(t, f, after).First; first.Reset != want {
			t.Errorf("after %d: %+v", after, first)
		}
	}
}

func TestSlowSubscriberIsResetAndHoldsNobodyUp(t *testing.T) {
	f, s, v := newFollower()
	poll(t, f)
	messages := subscribe(t, f, 0).Messages
	for sequence := range int64(queue + 10) {
		s.add(sequence + 1)
		poll(t, f)
	}
	if len(v.revoked) != queue+10 {
		t.Errorf("the verifier heard of %d", len(v.revoked))
	}
	reset := false
	for len(messages) > 0 {
		reset = (<-messages).Reset || reset
	}
	if !reset {
		t.Error("the subscriber does not know that it missed something")
	}
}

func TestEverybodyForgetsWhenAKeyIsGone(t *testing.T) {
	f, s, v := newFollower()
	s.add(1)
	poll(t, f)
	messages := subscribe(t, f, 0).Messages
	forgot := v.forgot
	f.Forget()
	if reset := <-messages; !reset.Reset || reset.Position != 1 {
		t.Errorf("a subscriber hears %+v", reset)
	}
	if v.forgot != forgot+1 {
		t.Errorf("the verifier forgot %d times", v.forgot-forgot)
	}
}

func TestWhileTheStoreIsSilentNothingIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s, v := newFollower()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.Run(ctx, time.Second)
		}()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if v.forgot != 1 { // what was remembered before the first number was known
			t.Errorf("forgot %d times without a reason", v.forgot-1)
		}
		s.fail(errors.New("down"))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if v.forgot < 5 {
			t.Errorf("forgot %d times in 5 polls", v.forgot)
		}
		s.fail(nil)
		s.add(1)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if v.revoked[grant(1)] != 1 {
			t.Error("what happened during the outage was lost")
		}
		cancel()
		<-done
	})
}

func TestSubscribersWaitForNoStoreAndLoseNothingMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s, v := newFollower()
		poll(t, f)
		for sequence := range int64(3) {
			s.add(sequence + 1)
		}
		poll(t, f)
		other := subscribe(t, f, 0).Messages
		release := make(chan struct{})
		s.pause = func() { <-release }
		late := make(chan Subscription)
		go func() { late <- subscribe(t, f, 1) }() // hangs while it reads the past
		synctest.Wait()
		s.add(4)
		poll(t, f)
		f.Forget()
		if next := <-other; !slices.Equal(next.GrantIDs, []string{grant(4)}) || v.revoked[grant(4)] != 1 {
			t.Errorf("another subscriber heard %+v", next)
		}
		close(release)
		heard := <-late
		if !slices.Contains(heard.First.GrantIDs, grant(2)) || !slices.Contains(heard.First.GrantIDs, grant(3)) || heard.First.Position != 3 {
			t.Errorf("first = %+v", heard.First)
		}
		if next := <-heard.Messages; next.Position != 4 || !slices.Equal(next.GrantIDs, []string{grant(4)}) {
			t.Errorf("next = %+v", next)
		}
		if reset := <-heard.Messages; !reset.Reset {
			t.Errorf("then = %+v", reset)
		}
	})
}

func TestWhoWasAheadOfThisReplicaIsServed(t *testing.T) {
	f, s, _ := newFollower()
	s.add(1)
	poll(t, f)
	s.add(2) // another replica has told it already
	if first := subscribe(t, f, 2).First; first.Reset || first.Position != 2 {
		t.Errorf("first = %+v", first)
	}
}

func TestWhoeverHearsNothingTakesNoSubscribers(t *testing.T) {
	f, s, _ := newFollower()
	if _, err := f.Subscribe(t.Context(), 0); !errors.Is(err, ErrDeaf) {
		t.Errorf("before the first poll: %v", err)
	}
	if len(f.subscribers) > 0 {
		t.Error("who was refused is kept all the same")
	}
	poll(t, f)
	messages := subscribe(t, f, 0).Messages
	s.fail(errors.New("down"))
	if f.Poll(t.Context()) == nil {
		t.Fatal("no error")
	}
	if _, err := f.Subscribe(t.Context(), 0); !errors.Is(err, ErrDeaf) {
		t.Errorf("during the outage: %v", err)
	}
	s.fail(nil)
	poll(t, f)
	if after := <-messages; !after.Reset { // what was told before it may be undone
		t.Errorf("after the outage: %+v", after)
	}
}

func TestNumbersThatGoBackResetEverybody(t *testing.T) {
	f, s, v := newFollower()
	poll(t, f)
	for sequence := range int64(5) {
		s.add(sequence + 1)
	}
	poll(t, f)
	messages, forgot := subscribe(t, f, 0).Messages, v.forgot
	s.rows, s.high = s.rows[:3], 3 // a standby took over that had lost two
	poll(t, f)
	if reset := <-messages; !reset.Reset || reset.Position != 3 || v.forgot != forgot+1 {
		t.Errorf("heard %+v, forgot %d times", reset, v.forgot-forgot)
	}
	s.add(4)
	poll(t, f)
	if next := <-messages; !slices.Equal(next.GrantIDs, []string{grant(4)}) {
		t.Errorf("next = %+v", next)
	}
}
