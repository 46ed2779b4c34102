package verifier_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	"github.com/gatehouse-auth/gatehouse/edge/verifier/verifiertest"
)

// watched runs in the context of a request whose token lives for a minute and is asked about every ten seconds.
func watched(t *testing.T, run func(ctx context.Context, v *verifier.Verifier, core *verifiertest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core := verifiertest.NewClient(time.Now)
		token := ada()
		token.ExpireTime = time.Now().Add(time.Minute)
		core.Issue("good", token)
		v := verifier.New(core, config(), verifier.WithWatchInterval(10*time.Second))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", nil)
		r.Header.Set("Authorization", "Bearer good")
		v.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			run(r.Context(), v, core)
		})).ServeHTTP(httptest.NewRecorder(), r)
	})
}

// Covers mcp-session-token-bind.
func TestAWatchedContextEndsWithItsToken(t *testing.T) {
	watched(t, func(ctx context.Context, v *verifier.Verifier, _ *verifiertest.Client) {
		begin := time.Now()
		ctx, stop := v.Watch(ctx)
		defer stop()
		<-ctx.Done()
		if time.Since(begin) != time.Minute || kind(context.Cause(ctx)) != "inactive" {
			t.Errorf("ended after %v by %v", time.Since(begin), context.Cause(ctx))
		}
	})
}

func TestAWatchedContextEndsSoonAfterARevocation(t *testing.T) {
	watched(t, func(ctx context.Context, v *verifier.Verifier, core *verifiertest.Client) {
		begin := time.Now()
		ctx, stop := v.Watch(ctx)
		defer stop()
		time.Sleep(15 * time.Second)
		core.Revoke("good")
		<-ctx.Done()
		if time.Since(begin) != 20*time.Second || kind(context.Cause(ctx)) != "inactive" {
			t.Errorf("ended after %v by %v", time.Since(begin), context.Cause(ctx))
		}
	})
}

func TestAnOutageEndsNoWatchedContextBeforeItsToken(t *testing.T) {
	watched(t, func(ctx context.Context, v *verifier.Verifier, core *verifiertest.Client) {
		begin := time.Now()
		core.Fail(errors.New("down"))
		ctx, stop := v.Watch(ctx)
		defer stop()
		<-ctx.Done()
		if time.Since(begin) != time.Minute {
			t.Errorf("ended after %v by %v", time.Since(begin), context.Cause(ctx))
		}
	})
}

func TestAStoppedWatchAsksNoMore(t *testing.T) {
	watched(t, func(ctx context.Context, v *verifier.Verifier, core *verifiertest.Client) {
		watchedCtx, stop := v.Watch(ctx)
		time.Sleep(15 * time.Second)
		stop()
		calls := core.Calls()
		time.Sleep(time.Minute)
		if core.Calls() != calls {
			t.Errorf("%d calls after the end", core.Calls()-calls)
		}
		if !errors.Is(context.Cause(watchedCtx), context.Canceled) {
			t.Errorf("cause %v", context.Cause(watchedCtx))
		}
	})
}

func TestAWatchCanBeStoppedWhenTheCallerHasGoneAlready(t *testing.T) {
	watched(t, func(ctx context.Context, v *verifier.Verifier, _ *verifiertest.Client) {
		ctx, leave := context.WithCancel(ctx)
		leave()
		_, stop := v.Watch(ctx)
		stop()
	})
}

func TestWatchingNobodyEndsAtOnce(t *testing.T) {
	ctx, stop := verifier.New(verifiertest.NewClient(clock), config()).Watch(t.Context())
	defer stop()
	if !errors.Is(context.Cause(ctx), verifier.ErrNoCredentials) {
		t.Errorf("cause %v", context.Cause(ctx))
	}
}
