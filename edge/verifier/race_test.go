package verifier

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// mortal is a core whose grants end. It looks at a grant, and answers a little later.
type mortal struct {
	remote

	mu    sync.Mutex
	ended map[string]bool
}

func newMortal() *mortal {
	return &mortal{
		remote: remote{messages: make(chan *gatehousev1.WatchRevocationsResponse)},
		ended:  make(map[string]bool),
	}
}

func (m *mortal) VerifyToken(
	_ context.Context, in *gatehousev1.VerifyTokenRequest, _ ...grpc.CallOption,
) (*gatehousev1.VerifyTokenResponse, error) {
	answer := good(in.GetToken())
	m.mu.Lock()
	ended := m.ended[answer.GetGrantId()]
	m.mu.Unlock()
	for range 20 {
		runtime.Gosched()
	}
	if ended {
		return &gatehousev1.VerifyTokenResponse{Reason: gatehousev1.InactiveReason_INACTIVE_REASON_REVOKED}, nil
	}
	return answer, nil
}

// end ends the grant of a token and returns when a verifier that follows has heard of it: a message is taken only after
// the one before was acted on.
func (m *mortal) end(token string, position int64, reset bool) {
	grant := good(token).GetGrantId()
	m.mu.Lock()
	m.ended[grant] = true
	m.mu.Unlock()
	message := &gatehousev1.WatchRevocationsResponse{Position: position, GrantIds: []string{grant}}
	if reset {
		message = &gatehousev1.WatchRevocationsResponse{Position: position, Reset_: true}
	}
	m.messages <- message
	m.messages <- &gatehousev1.WatchRevocationsResponse{Position: position}
}

func TestNobodyGetsInOnceARevocationWasHeardHoweverManyAsk(t *testing.T) {
	core := newMortal()
	v := New(core, Config{Resource: "r"}, WithFollowedCache(64, time.Minute))
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { _ = v.Follow(ctx, core) })
	core.messages <- &gatehousev1.WatchRevocationsResponse{Position: 1}

	for i := range 200 {
		token := fmt.Sprint("token-", i)
		round, over := context.WithCancel(ctx)
		var asking sync.WaitGroup
		for range 4 {
			asking.Go(func() {
				for round.Err() == nil {
					_, _ = v.Verify(ctx, token)
				}
			})
		}
		if i%2 == 0 {
			verify(t, v, token) // an answer is kept; in the other rounds the first may just be on its way
		}
		core.end(token, int64(i+2), i%5 == 0)
		for range 3 {
			if _, err := v.Verify(ctx, token); !isInactive(err) {
				t.Errorf("round %d: %v after the revocation was heard", i, err)
			}
		}
		over()
		asking.Wait()
	}
	stop()
	working.Wait()
}

func isInactive(err error) bool {
	_, inactive := errors.AsType[*Inactive](err)
	return inactive
}
