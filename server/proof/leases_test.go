package proof_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// leaseSeconds is how long a lease keeps others away.
const leaseSeconds = 30

// leaseState is all that the contract knows about a credential.
type leaseState struct {
	version  int64
	attempts int64
	held     bool
	until    int   // seconds
	fence    int64 // of the latest lease
	live     bool  // its grant
}

// board is what replicas know from each other: versions that they have read and fences that were theirs.
type board struct {
	mu      sync.Mutex
	version int64
	fences  []int64
}

func (b *board) note(version int64, fences ...int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version = max(b.version, version)
	b.fences = append(b.fences, fences...)
}

// fence picks one, an old one now and then.
func (b *board) fence(choice int) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.fences) == 0 {
		return 0
	}
	return b.fences[len(b.fences)-1-min(choice, len(b.fences)-1)]
}

func (b *board) latest() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.version
}

// leases writes histories in which replicas renew one credential, some of them late, while its user may log in again.
func (s *stage) leases(t *testing.T) func(*rand.Rand) scenario[leaseState] {
	return func(r *rand.Rand) scenario[leaseState] {
		name := s.name()
		id := s.granted(t, name).CredentialID
		again, err := s.claimed(t.Context(), s.name(), name)
		if err != nil {
			t.Error(err)
		}
		sc := scenario[leaseState]{start: leaseState{version: 1, live: true}}
		board := &board{version: 1}
		for client := range 4 {
			var actions []action[leaseState]
			for range 4 {
				switch r.IntN(10) {
				case 0, 1, 2, 3:
					actions = append(actions, &begin{id: id, board: board, now: r.IntN(3) * leaseSeconds / 2})
				case 4, 5:
					actions = append(actions, &finish{id: id, board: board, choice: r.IntN(2)})
				case 6:
					actions = append(actions, &abandon{id: id, board: board, choice: r.IntN(2)})
				case 7:
					actions = append(actions, &end{id: id, board: board, choice: r.IntN(2)})
				default:
					actions = append(actions, lookAtCredential{id, board})
				}
			}
			if client == 0 && r.IntN(2) == 0 {
				actions = append(actions, loginAgain{again})
			}
			sc.clients = append(sc.clients, actions)
		}
		return sc
	}
}

type begin struct {
	id      string
	board   *board
	now     int
	version int64
}

func (a *begin) run(ctx context.Context, store storage.Store) answer {
	a.version = a.board.latest()
	lease, err := store.BeginRenewal(ctx, a.id, a.version, after(a.now), after(a.now+leaseSeconds))
	if err != nil {
		return told(err)
	}
	a.board.note(lease.Credential.Version, lease.Fence)
	return answer{number: lease.Fence, count: int64(lease.Credential.Attempts)}
}

func (a *begin) step(state leaseState, got answer) (leaseState, bool) {
	if a.version != state.version || state.held && a.now < state.until {
		return state, got == answer{verdict: storage.ErrConflict}
	}
	allowed := got.verdict == nil && got.number > state.fence && got.count == state.attempts+1
	state.held, state.until, state.fence, state.attempts = true, a.now+leaseSeconds, got.number, got.count
	return state, allowed
}

type finish struct {
	id     string
	board  *board
	choice int
	fence  int64
}

func (a *finish) run(ctx context.Context, store storage.Store) answer {
	a.fence = a.board.fence(a.choice)
	renewed := storage.Credential{ID: a.id, Sealed: []byte("renewed"), UpdateTime: start}
	return told(store.FinishRenewal(ctx, renewed, a.fence))
}

func (a *finish) step(state leaseState, got answer) (leaseState, bool) {
	if !state.heldUnder(a.fence) {
		return state, got == answer{verdict: storage.ErrConflict}
	}
	state.version, state.attempts, state.held = state.version+1, 0, false
	return state, got == answer{}
}

func (s leaseState) heldUnder(fence int64) bool { return s.held && s.fence == fence }

type abandon struct {
	id     string
	board  *board
	choice int
	fence  int64
}

func (a *abandon) run(ctx context.Context, store storage.Store) answer {
	a.fence = a.board.fence(a.choice)
	return told(store.AbandonRenewal(ctx, a.id, a.fence))
}

func (a *abandon) step(state leaseState, got answer) (leaseState, bool) {
	if !state.heldUnder(a.fence) {
		return state, got == answer{verdict: storage.ErrConflict}
	}
	state.held = false
	return state, got == answer{}
}

type end struct {
	id     string
	board  *board
	choice int
	fence  int64
}

func (a *end) run(ctx context.Context, store storage.Store) answer {
	a.fence = a.board.fence(a.choice)
	ended, err := store.EndCredential(ctx, a.id, a.fence, start, storage.RevokedByUpstream)
	return answer{verdict: verdict(err), count: int64(len(ended))}
}

func (a *end) step(state leaseState, got answer) (leaseState, bool) {
	if !state.heldUnder(a.fence) {
		return state, got == answer{verdict: storage.ErrConflict}
	}
	want := answer{}
	if state.live {
		want.count = 1
	}
	state.held, state.live = false, false
	return state, got == want
}

type lookAtCredential struct {
	id    string
	board *board
}

func (a lookAtCredential) run(ctx context.Context, store storage.Store) answer {
	credential, err := store.Credential(ctx, a.id)
	a.board.note(credential.Version)
	return answer{
		verdict: verdict(err), number: credential.Version, count: int64(credential.Attempts), yes: !credential.LeaseTime.IsZero(),
	}
}

func (a lookAtCredential) step(state leaseState, got answer) (leaseState, bool) {
	return state, got == answer{number: state.version, count: state.attempts, yes: state.held}
}

// loginAgain replaces the tokens, and voids the renewal that may be under way.
type loginAgain struct{ completion storage.Completion }

func (a loginAgain) run(ctx context.Context, store storage.Store) answer {
	return told(store.CompleteTransaction(ctx, a.completion))
}

func (a loginAgain) step(state leaseState, got answer) (leaseState, bool) {
	state.version, state.attempts, state.held = state.version+1, 0, false
	return state, got == answer{}
}
