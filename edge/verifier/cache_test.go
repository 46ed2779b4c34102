package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	"github.com/gatehouse-auth/gatehouse/edge/verifier/verifiertest"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// cached returns a verifier with a cache inside a synctest bubble, and its core with one good token.
func cached(size int, ttl time.Duration) (*verifier.Verifier, *verifiertest.Client) {
	core := verifiertest.NewClient(time.Now)
	token := ada()
	token.ExpireTime = time.Now().Add(time.Hour)
	core.Issue("good", token)
	return verifier.New(core, config(), verifier.WithCache(size, ttl)), core
}

func TestWithoutACacheARevocationShowsAtOnce(t *testing.T) {
	core := verifiertest.NewClient(clock)
	core.Issue("good", ada())
	v := verifier.New(core, config(), verifier.WithClock(clock))
	if _, err := v.Verify(t.Context(), "good"); err != nil {
		t.Fatal(err)
	}
	core.Revoke("good")
	if _, err := v.Verify(t.Context(), "good"); kind(err) != "inactive" {
		t.Errorf("got %v", err)
	}
}

// Covers jwt-revocation-check.
func TestACachedAnswerIsNeverOlderThanASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, core := cached(8, time.Hour)
		for range 3 {
			if _, err := v.Verify(t.Context(), "good"); err != nil {
				t.Fatal(err)
			}
		}
		if core.Calls() != 1 {
			t.Errorf("%d calls for three questions", core.Calls())
		}
		core.Revoke("good")
		time.Sleep(time.Second)
		if _, err := v.Verify(t.Context(), "good"); kind(err) != "inactive" {
			t.Errorf("got %v a second after the revocation", err)
		}
	})
}

func TestACachedAnswerDoesNotOutliveItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, core := cached(8, time.Second)
		short := ada()
		short.ExpireTime = time.Now().Add(100 * time.Millisecond)
		core.Issue("short", short)
		if _, err := v.Verify(t.Context(), "short"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		if _, err := v.Verify(t.Context(), "short"); kind(err) != "inactive" {
			t.Errorf("got %v", err)
		}
	})
}

func TestRefusalsAndOutagesAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, core := cached(8, time.Second)
		if _, err := v.Verify(t.Context(), "later"); kind(err) != "inactive" {
			t.Fatalf("got %v", err)
		}
		token := ada()
		token.ExpireTime = time.Now().Add(time.Hour)
		core.Issue("later", token)
		if _, err := v.Verify(t.Context(), "later"); err != nil {
			t.Errorf("got %v for a token that has become good", err)
		}
		core.Fail(errors.New("down"))
		if _, err := v.Verify(t.Context(), "other"); kind(err) != "outage" {
			t.Fatalf("got %v", err)
		}
		core.Fail(nil)
		if _, err := v.Verify(t.Context(), "other"); kind(err) != "inactive" {
			t.Errorf("got %v after the outage", err)
		}
	})
}

func TestTheCacheIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, core := cached(4, time.Second)
		token := ada()
		token.ExpireTime = time.Now().Add(time.Hour)
		ask := func(name string) {
			if _, err := v.Verify(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		ask("good")
		for i := range 100 {
			name := fmt.Sprint("token-", i)
			core.Issue(name, token)
			ask(name)
			ask("good")
		}
		if core.Calls() != 101 {
			t.Errorf("%d calls: the token in use was evicted", core.Calls())
		}
		ask("token-0")
		if core.Calls() != 102 {
			t.Errorf("%d calls: more was kept than the size allows", core.Calls())
		}
	})
}

// slow answers when released.
type slow struct {
	*verifiertest.Client
	release chan struct{}
}

func (s slow) VerifyToken(
	ctx context.Context, in *gatehousev1.VerifyTokenRequest, opts ...grpc.CallOption,
) (*gatehousev1.VerifyTokenResponse, error) {
	select {
	case <-s.release:
		return s.Client.VerifyToken(ctx, in, opts...)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestConcurrentQuestionsAboutOneTokenAreOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := slow{verifiertest.NewClient(time.Now), make(chan struct{})}
		token := ada()
		token.ExpireTime = time.Now().Add(time.Hour)
		core.Issue("good", token)
		v := verifier.New(core, config(), verifier.WithCache(8, time.Second))

		first, leave := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := v.Verify(first, "good"); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v for a caller who left", err)
			}
		})
		synctest.Wait()
		for range 50 {
			asking.Go(func() {
				if _, err := v.Verify(t.Context(), "good"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		close(core.release)
		asking.Wait()
		if core.Calls() != 1 {
			t.Errorf("%d calls for 51 concurrent questions", core.Calls())
		}
	})
}

func TestAQuestionDoesNotJoinACallThatIsOlderThanAnAnswerMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := slow{verifiertest.NewClient(time.Now), make(chan struct{})}
		token := ada()
		token.ExpireTime = time.Now().Add(time.Hour)
		core.Issue("good", token)
		v := verifier.New(core, config(), verifier.WithCache(8, time.Second))
		var asking sync.WaitGroup
		for range 3 {
			asking.Go(func() { _, _ = v.Verify(t.Context(), "good") })
			time.Sleep(600 * time.Millisecond)
		}
		close(core.release)
		asking.Wait()
		if core.Calls() != 2 {
			t.Errorf("%d calls for questions at 0, 0.6 and 1.2 s", core.Calls())
		}
	})
}

func TestACallThatHangsIsCutOff(t *testing.T) {
	for name, opts := range map[string][]verifier.Option{
		"alone":  {verifier.WithTimeout(time.Second)},
		"shared": {verifier.WithCache(1, time.Second), verifier.WithTimeout(0)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				core := slow{verifiertest.NewClient(time.Now), nil}
				v := verifier.New(core, config(), opts...)
				if _, err := v.Verify(t.Context(), "good"); kind(err) != "outage" {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestTheTableOfCallsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := slow{verifiertest.NewClient(time.Now), make(chan struct{})}
		v := verifier.New(core, config(), verifier.WithCache(2, time.Second))
		var asking sync.WaitGroup
		for i := range 20 {
			asking.Go(func() { _, _ = v.Verify(t.Context(), fmt.Sprint("token-", i)) })
		}
		synctest.Wait()
		close(core.release)
		asking.Wait()
		if core.Calls() != 20 {
			t.Errorf("%d calls for 20 tokens", core.Calls())
		}
	})
}
