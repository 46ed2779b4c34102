package verifier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// remote is a core in another process: every token is good, and calls are counted by freshness.
type remote struct {
	messages chan *gatehousev1.WatchRevocationsResponse
	asked    map[gatehousev1.Freshness]int
	watched  []int64
	// during is called while a question is on its way.
	during func()
}

func (r *remote) VerifyToken(
	_ context.Context, in *gatehousev1.VerifyTokenRequest, _ ...grpc.CallOption,
) (*gatehousev1.VerifyTokenResponse, error) {
	r.asked[in.GetFreshness()]++
	if r.during != nil {
		r.during()
	}
	return &gatehousev1.VerifyTokenResponse{
		Active: true, Subject: "s", ClientId: "c", GrantId: "grant-of-" + in.GetToken(), ExpireTime: timestamppb.New(time.Now().Add(time.Hour)),
	}, nil
}

func (r *remote) WatchRevocations(
	ctx context.Context, in *gatehousev1.WatchRevocationsRequest, _ ...grpc.CallOption,
) (grpc.ServerStreamingClient[gatehousev1.WatchRevocationsResponse], error) {
	r.watched = append(r.watched, in.GetAfter())
	return &stream{ctx: ctx, messages: r.messages}, nil
}

// stream yields messages until it gets a nil one, which breaks it.
type stream struct {
	grpc.ClientStream

	ctx      context.Context //nolint:containedctx // a stream has one
	messages chan *gatehousev1.WatchRevocationsResponse
}

func (s *stream) Recv() (*gatehousev1.WatchRevocationsResponse, error) {
	select {
	case message := <-s.messages:
		if message == nil {
			return nil, io.EOF
		}
		return message, nil
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
}

// following runs a test with a verifier that follows a core.
func following(t *testing.T, test func(t *testing.T, v *Verifier, r *remote)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &remote{messages: make(chan *gatehousev1.WatchRevocationsResponse), asked: make(map[gatehousev1.Freshness]int)}
		v := New(r, Config{Resource: "r"}, WithFollowedCache(100, time.Minute))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- v.Follow(ctx, r) }()
		synctest.Wait()
		test(t, v, r)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Follow = %v", err)
		}
	})
}

func (r *remote) say(position int64, grants ...string) {
	r.messages <- &gatehousev1.WatchRevocationsResponse{Position: position, GrantIds: grants}
	synctest.Wait()
}

func verify(t *testing.T, v *Verifier, token string) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("verify %s: %v", token, err)
	}
}

func TestUntilTheCoreSpeaksEveryQuestionIsStrict(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		verify(t, v, "a")
		verify(t, v, "a")
		if r.asked[gatehousev1.Freshness_FRESHNESS_STRICT] != 2 {
			t.Errorf("asked %v", r.asked)
		}
	})
}

func TestWhileTheCoreSpeaksAnswersAreKept(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		for range 50 {
			r.say(1)
			verify(t, v, "a")
			time.Sleep(500 * time.Millisecond)
		}
		if r.asked[0] != 1 || len(r.asked) != 1 {
			t.Errorf("asked %v in 25 s", r.asked)
		}
	})
}

func TestRevocationIsHonouredAtOnce(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		r.say(1)
		verify(t, v, "a")
		verify(t, v, "b")
		r.say(2, "grant-of-a")
		verify(t, v, "a")
		verify(t, v, "b")
		if r.asked[0] != 3 {
			t.Errorf("asked %v: the revoked grant was served from memory, or the other was not", r.asked)
		}
	})
}

func TestAnswerOnItsWayDuringTheRevocationIsNotKept(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		r.say(1)
		r.during = func() {
			r.messages <- &gatehousev1.WatchRevocationsResponse{Position: 2, GrantIds: []string{"grant-of-a"}}
		}
		verify(t, v, "a")
		r.during = nil
		synctest.Wait()
		verify(t, v, "a")
		if r.asked[0] != 2 {
			t.Errorf("asked %v", r.asked)
		}
	})
}

func TestResetAndMassRevocationForgetEverything(t *testing.T) {
	for name, message := range map[string]*gatehousev1.WatchRevocationsResponse{
		"reset": {Position: 9, Reset_: true},
		"mass":  {Position: 9, GrantIds: manyGrants(maxRevoked + 1)},
	} {
		following(t, func(t *testing.T, v *Verifier, r *remote) {
			r.say(1)
			verify(t, v, "a")
			r.messages <- message
			synctest.Wait()
			verify(t, v, "a")
			if r.asked[0] != 2 {
				t.Errorf("%s: asked %v", name, r.asked)
			}
		})
	}
}

func manyGrants(n int) []string {
	grants := make([]string, n)
	for i := range grants {
		grants[i] = fmt.Sprint("other-", i)
	}
	return grants
}

func TestSilenceAndBreaksAreNoLicence(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		r.say(7)
		verify(t, v, "a")
		time.Sleep(maxSilence + time.Millisecond)
		verify(t, v, "a")
		if r.asked[gatehousev1.Freshness_FRESHNESS_STRICT] != 1 {
			t.Errorf("after silence: asked %v", r.asked)
		}
		r.say(8)
		r.messages <- nil // the stream breaks
		synctest.Wait()
		verify(t, v, "a")
		if r.asked[gatehousev1.Freshness_FRESHNESS_STRICT] != 2 {
			t.Errorf("after the break: asked %v", r.asked)
		}
		time.Sleep(time.Second) // opened again by now
		r.say(9)
		verify(t, v, "a")
		if r.asked[0] != 1 {
			t.Errorf("after the recovery: asked %v", r.asked)
		}
		if len(r.watched) != 2 || r.watched[1] != 8 {
			t.Errorf("went on from %v", r.watched)
		}
	})
}

func TestFollowNeedsACache(t *testing.T) {
	v := New(&remote{}, Config{Resource: "r"}, WithCache(10, time.Second))
	if err := v.Follow(t.Context(), &remote{}); !errors.Is(err, errNotFollowed) {
		t.Errorf("err = %v", err)
	}
}
