package upstream

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// source is a remote document that counts loads. A load takes a second of the bubble's time.
type source struct {
	mu      sync.Mutex
	loads   int
	failure error
}

func (s *source) load(context.Context) (int, error) {
	time.Sleep(time.Second) // the bubble's, not the test's
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	return s.loads, s.failure
}

func (s *source) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

func (s *source) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads
}

// newDocument returns a document on the bubble's clock, with its source.
func newDocument() (*source, *lastGood[int]) {
	s := &source{}
	return s, &lastGood[int]{
		name: "doc", load: s.load, maxAge: time.Hour, now: time.Now, logger: slog.New(slog.DiscardHandler),
	}
}

func TestLoadsAreSharedByEverybodyWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := newDocument()
		var wait sync.WaitGroup
		for range 100 {
			wait.Go(func() {
				if v, err := l.get(t.Context()); err != nil || v.value != 1 {
					t.Errorf("%v, %v", v, err)
				}
			})
		}
		wait.Wait()
		if s.count() != 1 {
			t.Errorf("%d loads", s.count())
		}
	})
}

func TestCallerWhoHangsUpDoesNotStopALoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := newDocument()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := l.get(ctx); KindOf(err) != KindUnavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller who hung up: %v", err)
		}
		if v, err := l.get(t.Context()); err != nil || v.value != 1 || s.count() != 1 {
			t.Errorf("the next caller: %v, %v", v, err)
		}
	})
}

func TestOldVersionServesWhileTheNextOneLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l := newDocument()
		if _, err := l.get(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		began := time.Now()
		if v, err := l.get(t.Context()); err != nil || v.value != 1 || time.Since(began) != 0 {
			t.Errorf("%v after %v: %v", v, time.Since(began), err)
		}
		time.Sleep(2 * time.Second)
		if v, err := l.get(t.Context()); err != nil || v.value != 2 {
			t.Errorf("%v, %v", v, err)
		}
	})
}

func TestOutageKeepsTheLastGoodVersionAndIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := newDocument()
		var log bytes.Buffer
		l.logger = slog.New(slog.NewTextHandler(&log, nil))
		if _, err := l.get(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.fail(errors.New("down"))
		for range 48 {
			time.Sleep(time.Hour)
			if v, err := l.get(t.Context()); err != nil || v.value != 1 {
				t.Fatalf("%v, %v", v, err)
			}
			synctest.Wait()
		}
		if n := strings.Count(log.String(), "provider document is stale"); n < 40 {
			t.Errorf("%d log lines", n)
		}
		s.fail(nil)
		time.Sleep(3 * time.Second)
		_, _ = l.get(t.Context())
		time.Sleep(2 * time.Second)
		if v, _ := l.get(t.Context()); v.value == 1 {
			t.Error("the new version is not used after the outage")
		}
	})
}

func TestFailedLoadRestsBeforeTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := newDocument()
		s.fail(errors.New("down"))
		for range 10 {
			if _, err := l.get(t.Context()); err == nil {
				t.Fatal("no error")
			}
		}
		if s.count() != 1 {
			t.Errorf("%d loads", s.count())
		}
		time.Sleep(retryInterval)
		s.fail(nil)
		if _, err := l.get(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRenewalsAreRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := newDocument()
		seen, err := l.get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for range 100 {
			wait.Go(func() {
				if v, err := l.renew(t.Context(), seen); err != nil || v.value != 2 {
					t.Errorf("%v, %v", v, err)
				}
			})
		}
		wait.Wait()
		if v, err := l.renew(t.Context(), seen); err != nil || v.value != 2 {
			t.Errorf("a caller with an old version: %v, %v", v, err)
		}
		current, _ := l.get(t.Context())
		if v, err := l.renew(t.Context(), current); err != nil || v != current {
			t.Errorf("again at once: %v, %v", v, err)
		}
		time.Sleep(renewInterval)
		if v, err := l.renew(t.Context(), current); err != nil || v.value != 3 {
			t.Errorf("after the interval: %v, %v", v, err)
		}
		if s.count() != 3 {
			t.Errorf("%d loads", s.count())
		}
	})
}

func TestRenewalThatFailedUsesUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := newDocument()
		seen, err := l.get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.fail(errors.New("down"))
		for range 3 {
			if _, err := l.renew(t.Context(), seen); err == nil {
				t.Error("no error")
			}
		}
		if s.count() != 2 {
			t.Errorf("%d loads", s.count())
		}
		s.fail(nil)
		time.Sleep(retryInterval)
		if v, err := l.renew(t.Context(), seen); err != nil || v.value != 3 {
			t.Errorf("%v, %v", v, err)
		}
	})
}
