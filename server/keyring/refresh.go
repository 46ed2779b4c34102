package keyring

import (
	"context"
	"time"
)

const (
	// refreshRest is the least time between two refreshes, whoever asks for them: an unknown key id costs nothing to make up.
	refreshRest = 100 * time.Millisecond
	// refreshTimeout bounds one. It outlives the patience of whoever asked first.
	refreshTimeout = 5 * time.Second
)

// refresh is a reading of the keys that has not begun yet. The error may be read once done is closed.
type refresh struct {
	done chan struct{}
	err  error
}

// Refresh reads the keys again, for a token that names an unknown one: another replica may have made it a moment ago. The
// reading begins after the call, so that it sees every key that a token in hand can have been signed with; all who ask
// before it begins share it. An error is an outage.
func (r *Ring) Refresh(ctx context.Context) error {
	r.mu.Lock()
	next := r.next
	if next == nil {
		next = &refresh{done: make(chan struct{})}
		r.next = next
		go r.refresh(context.WithoutCancel(ctx), next, r.rest)
	}
	r.mu.Unlock()
	select {
	case <-next.done:
		return next.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refresh begins when the rest after the one before is over. Only one waits for that at a time.
func (r *Ring) refresh(ctx context.Context, next *refresh, rest *time.Timer) {
	if rest != nil {
		<-rest.C
	}
	r.mu.Lock()
	r.next, r.rest = nil, time.NewTimer(refreshRest)
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	next.err = r.load(ctx)
	close(next.done)
}
