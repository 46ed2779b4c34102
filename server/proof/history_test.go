package proof_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// action is one call on a store, together with what the contract says about it. Tests write it for one state S of a
// model, which is comparable.
type action[S comparable] interface {
	// run makes the call.
	run(ctx context.Context, store storage.Store) answer
	// step says which state follows when the call gets this answer, and whether the contract allows it.
	step(state S, got answer) (next S, allowed bool)
}

// answer is what a caller was told.
type answer struct {
	verdict error // a sentinel of the contract, nil, or an error that no model allows
	number  int64 // a generation, a version, a fence
	count   int64 // attempts, revoked grants
	yes     bool  // repeated, used, held
}

// told makes the answer of a call that returns nothing but an error.
func told(err error) answer { return answer{verdict: verdict(err)} }

// verdict strips what a backend wraps around a sentinel.
func verdict(err error) error {
	for _, sentinel := range storage.Verdicts() {
		if errors.Is(err, sentinel) && !errors.Is(err, storage.ErrUnavailable) {
			return sentinel
		}
	}
	return err
}

// scenario is a history that has not happened yet: the state at its start, and what each client does.
type scenario[S comparable] struct {
	start   S
	clients [][]action[S]
}

// record lets the clients loose and writes down who asked what when. Client i uses store i, modulo their number.
func (s scenario[S]) record(ctx context.Context, stores []storage.Store) []porcupine.Operation {
	begin, ready := time.Now(), make(chan struct{})
	var (
		mu      sync.Mutex
		history []porcupine.Operation
		group   sync.WaitGroup
	)
	for client, actions := range s.clients {
		group.Go(func() {
			<-ready
			for _, act := range actions {
				call := time.Since(begin)
				got := act.run(ctx, stores[client%len(stores)])
				done := time.Since(begin)
				mu.Lock()
				history = append(history, porcupine.Operation{
					ClientId: client, Input: act, Call: int64(call), Output: got, Return: int64(done),
				})
				mu.Unlock()
			}
		})
	}
	close(ready)
	group.Wait()
	return history
}

// explain looks for an order of the calls, within the times that they took, that the contract allows.
func (s scenario[S]) explain(history []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(porcupine.Model{
		Init: func() any { return s.start },
		Step: func(state, input, output any) (bool, any) {
			next, allowed := input.(action[S]).step(state.(S), output.(answer))
			return allowed, next
		},
	}, history, 10*time.Second)
}

// stage is a place for histories: stores that are ways to one and the same database.
type stage struct {
	stores []storage.Store
	mu     sync.Mutex
	rows   int
}

// name returns a name that no row has yet.
func (s *stage) name() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows++
	return fmt.Sprintf("%08d", s.rows)
}

// unexplained records histories until a number of them is done, several at once so that they disturb each other, and
// returns those that no order explains.
func unexplained[S comparable](
	t *testing.T, stage *stage, histories int, write func(*rand.Rand) scenario[S],
) (found []string) {
	t.Helper()
	seed := seed(t)
	var mu sync.Mutex
	inTurns(histories, 16, func(i int) {
		scenario := write(rand.New(rand.NewPCG(seed, uint64(i))))
		history := scenario.record(t.Context(), stage.stores)
		if result := scenario.explain(history); result != porcupine.Ok {
			mu.Lock()
			defer mu.Unlock()
			found = append(found, fmt.Sprintf("seed %d, history %d: %s: %s", seed, i, result, describe(history)))
		}
	})
	return found
}

// inTurns runs n tasks, some of them at a time.
func inTurns(n, atOnce int, run func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				run(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}

// linearizable fails the test when the contract does not explain what happened.
func linearizable[S comparable](t *testing.T, stage *stage, histories int, write func(*rand.Rand) scenario[S]) {
	t.Helper()
	if found := unexplained(t, stage, histories, write); len(found) > 0 {
		t.Errorf("%d of %d histories have no explanation, such as %s", len(found), histories, found[0])
	}
}

func describe(history []porcupine.Operation) (text string) {
	for _, op := range history {
		text += fmt.Sprintf("\n%8.3f to %8.3f ms: client %d: %T%+v: %+v",
			float64(op.Call)/1e6, float64(op.Return)/1e6, op.ClientId, op.Input, op.Input, op.Output)
	}
	return text
}

// seed is a new one each time, or the one that the environment names.
func seed(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("GATEHOUSE_PROOF_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatalf("GATEHOUSE_PROOF_SEED: %v", err)
		}
	}
	return seed
}

func databasePath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "gatehouse.db")
}
