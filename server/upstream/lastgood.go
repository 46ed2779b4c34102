package upstream

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// retryInterval is how long a failed load keeps the next one away.
	retryInterval = 2 * time.Second
	// renewInterval is how often at most a caller can have a document loaded ahead of its age. Unknown key ids cost the
	// provider no more than this.
	renewInterval = 45 * time.Second
	// loadTimeout bounds one load, which may be two requests.
	loadTimeout = 2 * requestTimeout
)

// lastGood keeps the newest good version of a remote document. One load runs at a time, whoever waits for it; a load
// that fails leaves the good version in place. There is no bound on its age: a provider that is down for a day takes
// nobody's login away.
type lastGood[T any] struct {
	name   string
	load   func(context.Context) (T, error)
	maxAge time.Duration
	now    func() time.Time
	logger *slog.Logger

	mu          sync.Mutex
	good        *version[T] // nil until the first success
	flight      *flight[T]  // nil while nothing loads
	attemptTime time.Time   // start of the last load
	failure     error       // of the last load, nil after a success
	renewTime   time.Time   // when a caller last had a document loaded
}

// version is one loaded document.
type version[T any] struct {
	value    T
	loadTime time.Time // when its load began: the document is no older
}

// flight is a load under way. Its fields may be read once done is closed.
type flight[T any] struct {
	done    chan struct{}
	version *version[T]
	err     error
}

// get returns the good version, or waits for the first one. A version that is over its age is returned while its
// successor loads.
func (l *lastGood[T]) get(ctx context.Context) (*version[T], error) {
	l.mu.Lock()
	good, now := l.good, l.now()
	if good != nil && now.Sub(good.loadTime) < l.maxAge {
		l.mu.Unlock()
		return good, nil
	}
	if l.flight == nil && l.resting(now) {
		defer l.mu.Unlock()
		if good != nil {
			return good, nil
		}
		return nil, l.failure
	}
	f := l.start(ctx, now)
	l.mu.Unlock()
	if good != nil {
		return good, nil
	}
	return f.wait(ctx)
}

// renew returns a version that is newer than the one that did not serve the caller. It returns seen itself when the
// provider was asked too recently.
func (l *lastGood[T]) renew(ctx context.Context, seen *version[T]) (*version[T], error) {
	l.mu.Lock()
	now := l.now()
	switch {
	case l.good != seen:
		defer l.mu.Unlock()
		return l.good, nil
	case l.flight != nil: // join it
	case l.resting(now):
		defer l.mu.Unlock()
		return nil, l.failure
	case now.Sub(l.renewTime) < renewInterval:
		l.mu.Unlock()
		return seen, nil
	default:
		l.renewTime = now
	}
	f := l.start(ctx, now)
	l.mu.Unlock()
	return f.wait(ctx)
}

// resting reports whether a load failed just now.
func (l *lastGood[T]) resting(now time.Time) bool {
	return l.failure != nil && now.Sub(l.attemptTime) < retryInterval
}

// start joins the load under way or begins one. The load outlives the caller, since others wait for it.
func (l *lastGood[T]) start(ctx context.Context, now time.Time) *flight[T] {
	if l.flight != nil {
		return l.flight
	}
	f := &flight[T]{done: make(chan struct{})}
	l.flight, l.attemptTime = f, now
	go l.run(context.WithoutCancel(ctx), f, now)
	return f
}

func (l *lastGood[T]) run(ctx context.Context, f *flight[T], began time.Time) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	value, err := l.load(ctx)

	l.mu.Lock()
	l.flight, l.failure = nil, err
	stale := l.good != nil && err != nil
	if err == nil {
		l.good = &version[T]{value: value, loadTime: began}
		f.version = l.good
	} else {
		l.renewTime = time.Time{} // a failed load uses up nothing
		f.err = err
	}
	l.mu.Unlock()
	close(f.done)
	if stale { // otherwise whoever waits has the error
		l.logger.WarnContext(ctx, "provider document is stale", "document", l.name, "error", err)
	}
}

func (f *flight[T]) wait(ctx context.Context) (*version[T], error) {
	select {
	case <-f.done:
		return f.version, f.err
	case <-ctx.Done():
		return nil, newError(KindUnavailable, "waiting for the provider: %w", ctx.Err())
	}
}
