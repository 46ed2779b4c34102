package proof_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	graceSeconds = 60
	idleSeconds  = 1000 // of each refresh token
	grantSeconds = 1500
)

// lineState is all that the contract knows about a grant's line of refresh tokens. Times are seconds.
type lineState struct {
	head    int64 // generation
	rotated int   // when the head took its place
	idle    int   // when the head ends
	revoked bool
}

// tokenHash is the digest of a generation. Each has one successor, whoever makes it.
func tokenHash(grantID string, generation int64) secret.Hash {
	return hashOf("token "+strconv.FormatInt(generation, 10), grantID)
}

// lines writes histories in which several clients hold tokens of one line, from whatever generation, with and without
// grace and with clocks that differ, while somebody may end the grant.
func (s *stage) lines(t *testing.T) func(*rand.Rand) scenario[lineState] {
	return func(r *rand.Rand) scenario[lineState] {
		grant := s.granted(t, s.name())
		sc := scenario[lineState]{start: lineState{head: 1, idle: idleSeconds}}
		// Some lines are calm, so that they grow long; some see no grace; some see clocks of all kinds.
		clocks := [][]int{{0}, {0, 30}, {0, 59, 60, 61, idleSeconds, grantSeconds}}[r.IntN(3)]
		grace := []int{graceSeconds, graceSeconds, 0}[r.IntN(3)]
		for range 4 {
			var actions []action[lineState]
			for turn := range 4 {
				switch r.IntN(16) {
				case 0:
					actions = append(actions, endGrant{grant.ID, clocks[r.IntN(len(clocks))]})
				case 1:
					actions = append(actions, rotate{grant.ID, 1 + r.Int64N(3), 0, grace, true})
				case 2, 3:
					actions = append(actions, lookAtLine{grant.ID})
				default:
					generation := max(1, int64(turn)+1-r.Int64N(3)/2)
					actions = append(actions, rotate{grant.ID, generation, clocks[r.IntN(len(clocks))], grace, false})
				}
			}
			sc.clients = append(sc.clients, actions)
		}
		return sc
	}
}

type rotate struct {
	grantID    string
	generation int64
	now, grace int
	forged     bool // the generation is right, the token is not
}

func (a rotate) run(ctx context.Context, store storage.Store) answer {
	presented := tokenHash(a.grantID, a.generation)
	if a.forged {
		presented = hashOf("forged", a.grantID)
	}
	next := tokenHash(a.grantID, a.generation+1)
	rotated, err := store.RotateRefreshToken(ctx, storage.Rotation{
		GrantID: a.grantID, ClientID: clientID, Generation: a.generation, Hash: presented, Next: next,
		NextExpire: after(a.now + idleSeconds), Grace: time.Duration(a.grace) * time.Second, Now: after(a.now),
	})
	if err != nil {
		return told(err)
	}
	got := answer{number: rotated.Grant.Refresh.Generation, yes: rotated.Repeated}
	if !rotated.Grant.Refresh.Hash.Equal(next) {
		got.verdict = storage.ErrConflict // no model allows it: the caller would hand out a token that is not the head
	}
	return got
}

func (a rotate) step(state lineState, got answer) (lineState, bool) {
	refused := func(verdict error) (lineState, bool) { return state, got == answer{verdict: verdict} }
	predecessor := a.generation == state.head-1 && a.grace > 0 && a.now < state.rotated+a.grace
	switch {
	case state.revoked:
		return refused(storage.ErrRevoked)
	case a.now >= grantSeconds, a.now >= state.idle:
		return refused(storage.ErrExpired)
	case a.generation > state.head, a.generation == state.head && a.forged:
		return refused(storage.ErrNotFound)
	case a.generation == state.head:
		next := lineState{head: state.head + 1, rotated: a.now, idle: a.now + idleSeconds}
		return next, got == answer{number: next.head}
	case predecessor:
		return state, got == answer{number: state.head, yes: true}
	}
	state.revoked = true
	return refused(storage.ErrUsed)
}

type endGrant struct {
	grantID string
	now     int
}

func (a endGrant) run(ctx context.Context, store storage.Store) answer {
	filter := storage.GrantFilter{ID: a.grantID, Now: after(a.now)}
	ended, err := store.RevokeGrants(ctx, filter, storage.RevokedByUser)
	return answer{verdict: verdict(err), count: int64(len(ended))}
}

func (a endGrant) step(state lineState, got answer) (lineState, bool) {
	if state.revoked || a.now >= grantSeconds {
		return state, got == answer{}
	}
	state.revoked = true
	return state, got == answer{count: 1}
}

type lookAtLine struct{ grantID string }

func (a lookAtLine) run(ctx context.Context, store storage.Store) answer {
	line, err := store.Grant(ctx, a.grantID)
	if err != nil {
		return told(err)
	}
	return answer{number: line.Refresh.Generation, yes: !line.RevokeTime.IsZero()}
}

func (a lookAtLine) step(state lineState, got answer) (lineState, bool) {
	return state, got == answer{number: state.head, yes: state.revoked}
}
