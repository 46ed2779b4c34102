package storagetest

import (
	"errors"
	"sync"
	"testing"
)

// racers is how many callers want the same thing at the same time.
const racers = 32

// race lets n callers run at once and returns what each was told.
func race(n int, run func(i int) error) []error {
	answers := make([]error, n)
	start := make(chan struct{})
	var callers sync.WaitGroup
	for i := range n {
		callers.Go(func() {
			<-start
			answers[i] = run(i)
		})
	}
	close(start)
	callers.Wait()
	return answers
}

// oneWins checks that one caller succeeded and that all others heard the same verdict.
func oneWins(t testing.TB, answers []error, loser error) {
	t.Helper()
	nWin(t, answers, 1, loser)
}

func nWin(t testing.TB, answers []error, n int, loser error) {
	t.Helper()
	wins := 0
	for _, err := range answers {
		switch {
		case err == nil:
			wins++
		case !errors.Is(err, loser):
			t.Errorf("a loser was told %v, want %v", err, loser)
		}
	}
	if wins != n {
		t.Errorf("%d of %d callers won, want %d", wins, len(answers), n)
	}
}
