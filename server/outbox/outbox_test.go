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

func TestRowThatAppearsLateIsStillTold(t *testing.T) {
	f, s, v := newFollower()
	poll(t, f)
	s.add(2)
	poll(t, f)
	s.add(1) // its transaction was open longer
	poll(t, f)
	if v.revoked[grant(1)] != 1 || v.revoked[grant(2)] != 1 {
		t.Errorf("told: %v", v.revoked)
	}
}

func TestSubscriberHearsFromItsPositionOn(t *testing.T) {
	f, s, _ := newFollower()
	for sequence := range int64(5) {
		s.add(sequence + 1)
	}
	poll(t, f)
	messages, end, err := f.Subscribe(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	first := <-messages
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
		messages, end, err := f.Subscribe(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		if first := <-messages; first.Reset != want {
			t.Errorf("after %d: %+v", after, first)
		}
		end()
	}
}

func TestSlowSubscriberIsResetAndHoldsNobodyUp(t *testing.T) {
	f, s, v := newFollower()
	poll(t, f)
	messages, end, err := f.Subscribe(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
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
	messages, end, err := f.Subscribe(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	<-messages
	f.Forget()
	if reset := <-messages; !reset.Reset || reset.Position != 1 {
		t.Errorf("a subscriber hears %+v", reset)
	}
	if v.forgot != 1 {
		t.Errorf("the verifier forgot %d times", v.forgot)
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
		if v.forgot != 0 {
			t.Errorf("forgot %d times without a reason", v.forgot)
		}
		s.fail(errors.New("down"))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if v.forgot < 4 {
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
