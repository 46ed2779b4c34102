package verifier

import (
	"context"
	"errors"
	"sync"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// Watch returns a context that ends when the token of a request stops being good: at its expiry, and within the watch
// interval after a revocation. The cause (context.Cause) is then an [*Inactive] or [*InsufficientScope]. It is for
// answers that last, such as streams: the token was good when the request came, and that says little an hour later.
//
// An outage of the core ends nothing before the expiry of the token. A context that passed no middleware is ended at
// once, with [ErrNoCredentials]. The caller must call the returned function when the answer is complete.
func (v *Verifier) Watch(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	a := admissionFrom(ctx)
	if a == nil {
		end(ErrNoCredentials)
		return ctx, func() {}
	}
	w := &watch{verifier: v, ctx: ctx, end: end, token: a.token, expiry: a.principal.ExpireTime()}
	w.arm()
	return ctx, w.stop
}

// watch asks about one token again and again until it is stopped or told no.
type watch struct {
	verifier *Verifier
	ctx      context.Context
	end      context.CancelCauseFunc
	token    string
	expiry   time.Time

	mu    sync.Mutex
	timer *time.Timer
}

// arm sets the timer for the next question, unless the context has ended meanwhile.
func (w *watch) arm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil {
		return
	}
	wait := min(w.verifier.watchInterval, w.expiry.Sub(w.verifier.now()))
	w.timer = time.AfterFunc(max(wait, 0), w.ask)
}

func (w *watch) ask() {
	if w.ctx.Err() != nil {
		return
	}
	if !w.verifier.now().Before(w.expiry) {
		w.end(&Inactive{Reason: gatehousev1.InactiveReason_INACTIVE_REASON_EXPIRED})
		return
	}
	_, err := w.verifier.Verify(w.ctx, w.token)
	if _, outage := errors.AsType[*Unavailable](err); err != nil && !outage {
		w.end(err)
		return
	}
	w.arm()
}

func (w *watch) stop() {
	w.end(context.Canceled)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil { // nil when the caller had gone before the first question
		w.timer.Stop()
	}
}
