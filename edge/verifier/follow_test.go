package verifier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// remote is a core in another process: every token is good, and its grant is "grant-of-" and the token.
type remote struct {
	messages chan *gatehousev1.WatchRevocationsResponse

	mu      sync.Mutex
	asked   []gatehousev1.Freshness
	watched []int64
	during  func() // while a question is on its way
}

func (r *remote) VerifyToken(
	_ context.Context, in *gatehousev1.VerifyTokenRequest, _ ...grpc.CallOption,
) (*gatehousev1.VerifyTokenResponse, error) {
	r.mu.Lock()
	r.asked = append(r.asked, in.GetFreshness())
	during := r.during
	r.mu.Unlock()
	if during != nil {
		during()
	}
	return good(in.GetToken()), nil
}

// good is what a core says of a good token.
func good(token string) *gatehousev1.VerifyTokenResponse {
	return &gatehousev1.VerifyTokenResponse{
		Active: true, Subject: "s", ClientId: "c", GrantId: "grant-of-" + token, ExpireTime: timestamppb.New(time.Now().Add(time.Hour)),
	}
}

func (r *remote) WatchRevocations(
	ctx context.Context, in *gatehousev1.WatchRevocationsRequest, _ ...grpc.CallOption,
) (grpc.ServerStreamingClient[gatehousev1.WatchRevocationsResponse], error) {
	r.mu.Lock()
	defer r.mu.Unlock()
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
		r := &remote{messages: make(chan *gatehousev1.WatchRevocationsResponse)}
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
	r.send(&gatehousev1.WatchRevocationsResponse{Position: position, GrantIds: grants})
}

// send sends a message, or breaks the stream, and waits until the verifier has acted on it.
func (r *remote) send(message *gatehousev1.WatchRevocationsResponse) {
	r.messages <- message
	synctest.Wait()
}

// meanwhile lets the core do something while a question is on its way.
func (r *remote) meanwhile(during func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.during = during
}

// checkAsked checks how often the core was asked so far, and that it was never asked for what it remembers.
func (r *remote) checkAsked(t *testing.T, when string, want int) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.asked) != want {
		t.Errorf("%s: the core was asked %d times, want %d", when, len(r.asked), want)
	}
	if slices.ContainsFunc(r.asked, func(f gatehousev1.Freshness) bool { return f != gatehousev1.Freshness_FRESHNESS_STRICT }) {
		t.Errorf("%s: asked %v", when, r.asked)
	}
}

func (r *remote) positions() []int64 {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.watched)
}

func verify(t *testing.T, v *Verifier, token string) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("verify %s: %v", token, err)
	}
}

func TestUntilTheCoreSpeaksNothingIsKept(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		verify(t, v, "a")
		verify(t, v, "a")
		r.checkAsked(t, "before the first message", 2)
	})
}

func TestWhileTheCoreSpeaksAnswersAreKeptForAMinuteAtMost(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		for range 121 {
			r.say(1)
			verify(t, v, "a")
			time.Sleep(500 * time.Millisecond)
		}
		r.checkAsked(t, "in a minute and a moment", 2)
	})
	if v := New(&remote{}, Config{}, WithFollowedCache(1, time.Hour)); v.cache.ttl != time.Minute {
		t.Errorf("an hour became %s", v.cache.ttl)
	}
}

func TestRevocationIsHonouredAtOnce(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		r.say(1)
		verify(t, v, "a")
		verify(t, v, "b")
		r.say(2, "grant-of-a")
		verify(t, v, "a")
		r.checkAsked(t, "about the revoked grant", 3)
		verify(t, v, "b")
		r.checkAsked(t, "about the other", 3)
	})
}

func TestAnswerOnItsWayDuringTheRevocationIsNotKept(t *testing.T) {
	for name, message := range map[string]*gatehousev1.WatchRevocationsResponse{
		"revocation": {Position: 2, GrantIds: []string{"grant-of-a"}},
		"reset":      {Position: 2, Reset_: true},
		"mass":       {Position: 2, GrantIds: manyGrants(maxRevoked + 1)},
	} {
		following(t, func(t *testing.T, v *Verifier, r *remote) {
			r.say(1)
			r.meanwhile(func() { r.messages <- message })
			verify(t, v, "a")
			r.meanwhile(nil)
			synctest.Wait()
			verify(t, v, "a")
			r.checkAsked(t, name, 2)
		})
	}
}

func TestWhoAsksAfterTheRevocationTakesNoAnswerOfBefore(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		r.say(1)
		release := make(chan struct{})
		r.meanwhile(func() { <-release })
		var asking sync.WaitGroup
		asking.Go(func() { verify(t, v, "a") })
		asking.Go(func() { verify(t, v, "b") })
		synctest.Wait()
		r.say(2, "grant-of-a")
		asking.Go(func() { verify(t, v, "a") })
		asking.Go(func() { verify(t, v, "b") })
		synctest.Wait()
		close(release)
		asking.Wait()
		r.checkAsked(t, "twice about the revoked grant, once about the other", 3)
	})
}

func TestWhoJoinsACallThatSilenceOvertakesAsksAgain(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		r.say(1)
		release := make(chan struct{})
		r.meanwhile(func() { <-release })
		var asking sync.WaitGroup
		asking.Go(func() { verify(t, v, "a") })
		synctest.Wait()
		asking.Go(func() { verify(t, v, "a") })
		time.Sleep(maxSilence + time.Millisecond) // what was revoked meanwhile was not told
		close(release)
		asking.Wait()
		r.checkAsked(t, "once for each", 2)
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
			r.send(message)
			verify(t, v, "a")
			r.checkAsked(t, name, 2)
			verify(t, v, "a")
			r.checkAsked(t, name+", afterwards", 2)
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

func TestMemoryOfRevocationsIsBounded(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		for i := range int64(5) {
			r.say(i+1, manyGrants(maxRevoked/2)...)
			r.say(i+1, manyGrants(maxRevoked+1)...)
			if n := len(v.cache.follow.revoked); n > maxRevoked {
				t.Fatalf("%d grants are remembered", n)
			}
		}
		r.say(9, manyGrants(maxRevoked)...)
		time.Sleep(2*time.Minute + time.Millisecond)
		r.say(9)
		if n := len(v.cache.follow.revoked); n != 0 {
			t.Errorf("%d grants are remembered for longer than an answer", n)
		}
	})
}

func TestSilenceAndBreaksAreNoLicence(t *testing.T) {
	following(t, func(t *testing.T, v *Verifier, r *remote) {
		r.say(7)
		verify(t, v, "a")
		time.Sleep(maxSilence + time.Millisecond)
		verify(t, v, "a")
		r.checkAsked(t, "after silence", 2)
		r.say(8)
		r.send(nil)
		verify(t, v, "a")
		r.checkAsked(t, "after the break", 3)
		time.Sleep(firstPause) // opened again by now
		r.say(9)
		verify(t, v, "a")
		r.checkAsked(t, "after the recovery", 3)
		if got := r.positions(); !slices.Equal(got, []int64{0, 8}) {
			t.Errorf("went on from %v", got)
		}
	})
}

func TestWhatHappenedBetweenTwoStreamsIsHonoured(t *testing.T) {
	for name, test := range map[string]struct {
		before int64
		after  *gatehousev1.WatchRevocationsResponse
		asked  int
	}{
		"nothing":               {7, &gatehousev1.WatchRevocationsResponse{Position: 7}, 1},
		"a revocation":          {7, &gatehousev1.WatchRevocationsResponse{Position: 8, GrantIds: []string{"grant-of-a"}}, 2},
		"too much":              {7, &gatehousev1.WatchRevocationsResponse{Position: 9000, Reset_: true}, 2},
		"a store that went":     {7, &gatehousev1.WatchRevocationsResponse{Position: 2, Reset_: true}, 2},
		"the first of all ever": {0, &gatehousev1.WatchRevocationsResponse{Position: 1}, 2}, // 0 means from now: it is not told
	} {
		following(t, func(t *testing.T, v *Verifier, r *remote) {
			r.say(test.before)
			verify(t, v, "a")
			r.send(nil)
			time.Sleep(firstPause)
			r.send(test.after)
			verify(t, v, "a")
			r.checkAsked(t, name, test.asked)
			r.send(nil)
			time.Sleep(2 * firstPause)
			if got := r.positions(); got[2] != test.after.GetPosition() {
				t.Errorf("%s: then went on from %v", name, got)
			}
		})
	}
}

func TestStreamThatHangsIsOpenedAgain(t *testing.T) {
	following(t, func(t *testing.T, _ *Verifier, r *remote) {
		r.say(3)
		time.Sleep(maxHang - time.Millisecond)
		r.say(4)
		time.Sleep(maxHang - time.Millisecond)
		if got := r.positions(); len(got) != 1 {
			t.Errorf("opened %v while it spoke", got)
		}
		time.Sleep(time.Millisecond + firstPause)
		if got := r.positions(); !slices.Equal(got, []int64{0, 4}) {
			t.Errorf("opened %v after it hung", got)
		}
	})
}

// broken is a core whose streams cannot be opened.
type broken struct {
	remote

	opened []time.Time
}

func (b *broken) WatchRevocations(
	context.Context, *gatehousev1.WatchRevocationsRequest, ...grpc.CallOption,
) (grpc.ServerStreamingClient[gatehousev1.WatchRevocationsResponse], error) {
	b.opened = append(b.opened, time.Now())
	return nil, errors.New("down")
}

func TestAttemptsGrowRareAndAreOutOfStep(t *testing.T) {
	for name, test := range map[string]struct {
		random byte
		first  time.Duration
		last   time.Duration
	}{
		"earliest": {0xff, firstPause / 2, lastPause / 2},
		"latest":   {0x00, firstPause, lastPause},
	} {
		synctest.Test(t, func(t *testing.T) {
			core := &broken{}
			random := strings.NewReader(strings.Repeat(string([]byte{test.random}), 1000))
			v := New(core, Config{}, WithFollowedCache(1, time.Minute), func(v *Verifier) { v.random = random })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := v.Follow(ctx, core); err != nil {
				t.Fatal(err)
			}
			gap := func(i int) time.Duration { return core.opened[i+1].Sub(core.opened[i]).Round(time.Millisecond) }
			if got := gap(0); got != test.first {
				t.Errorf("%s: the second attempt came after %s", name, got)
			}
			if got := gap(len(core.opened) - 2); got != test.last {
				t.Errorf("%s: the last came after %s", name, got)
			}
		})
	}
}

func TestFollowNeedsACache(t *testing.T) {
	v := New(&remote{}, Config{Resource: "r"}, WithCache(10, time.Second))
	if err := v.Follow(t.Context(), &remote{}); !errors.Is(err, errNotFollowed) {
		t.Errorf("err = %v", err)
	}
}
