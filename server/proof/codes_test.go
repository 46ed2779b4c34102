package proof_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// codeSeconds is how long a code lives.
const codeSeconds = 60

// codeState is all that the contract knows about a code.
type codeState struct{ used, granted bool }

// codes writes histories in which several clients want one code.
func (s *stage) codes(t *testing.T) func(*rand.Rand) scenario[codeState] {
	return func(r *rand.Rand) scenario[codeState] {
		code := s.login(t, s.name())
		var sc scenario[codeState]
		for range 5 {
			var actions []action[codeState]
			for range 3 {
				switch r.IntN(8) {
				case 0, 1, 2:
					actions = append(actions, redeem{code, r.IntN(codeSeconds)})
				case 3:
					actions = append(actions, redeem{code, codeSeconds + r.IntN(2)})
				case 4:
					actions = append(actions, burn{code})
				case 5:
					actions = append(actions, lookAtGrant{code.GrantID})
				default:
					actions = append(actions, lookAtCode{code})
				}
			}
			sc.clients = append(sc.clients, actions)
		}
		return sc
	}
}

type redeem struct {
	code storage.Code
	now  int
}

func (a redeem) run(ctx context.Context, store storage.Store) answer {
	return told(store.RedeemCode(ctx, a.code.Hash, after(a.now), grantOf(a.code)))
}

func (a redeem) step(state codeState, got answer) (codeState, bool) {
	switch {
	case state.used:
		return state, got == answer{verdict: storage.ErrUsed}
	case a.now >= codeSeconds:
		return state, got == answer{verdict: storage.ErrExpired}
	}
	return codeState{used: true, granted: true}, got == answer{}
}

type burn struct{ code storage.Code }

func (a burn) run(ctx context.Context, store storage.Store) answer {
	return told(store.BurnCode(ctx, a.code.Hash, start))
}

func (a burn) step(state codeState, got answer) (codeState, bool) {
	if state.used {
		return state, got == answer{verdict: storage.ErrUsed}
	}
	return codeState{used: true}, got == answer{}
}

type lookAtCode struct{ code storage.Code }

func (a lookAtCode) run(ctx context.Context, store storage.Store) answer {
	code, err := store.Code(ctx, a.code.Hash)
	return answer{verdict: err, yes: !code.UseTime.IsZero()}
}

func (a lookAtCode) step(state codeState, got answer) (codeState, bool) {
	return state, got == answer{yes: state.used}
}

type lookAtGrant struct{ id string }

func (a lookAtGrant) run(ctx context.Context, store storage.Store) answer {
	_, err := store.Grant(ctx, a.id)
	if errors.Is(err, storage.ErrNotFound) {
		return answer{}
	}
	return answer{verdict: err, yes: true}
}

func (a lookAtGrant) step(state codeState, got answer) (codeState, bool) {
	return state, got == answer{yes: state.granted}
}
