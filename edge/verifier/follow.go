package verifier

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	// maxFollowedTTL is how long the core itself stands by an answer.
	maxFollowedTTL = time.Minute
	// maxSilence is how long the stream of revocations may be silent before it counts as broken. The core speaks at least
	// every 750 ms.
	maxSilence = time.Second
	// maxHang is how long it may be silent before it is given up and opened again.
	maxHang = 5 * time.Second
	// firstPause and lastPause bound the time between attempts to open the stream again.
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

var (
	// errNotFollowed means that a verifier has no cache that could follow.
	errNotFollowed = errors.New("verifier: Follow needs WithFollowedCache")
	// errHung is why a stream was given up.
	errHung = errors.New("verifier: the stream of revocations is silent")
)

// Watcher is the part of gatehousev1.AuthServiceClient that Follow needs.
type Watcher interface {
	WatchRevocations(context.Context, *gatehousev1.WatchRevocationsRequest, ...grpc.CallOption) (
		grpc.ServerStreamingClient[gatehousev1.WatchRevocationsResponse], error)
}

// WithFollowedCache keeps active answers for at most ttl, which is cut to one minute, while [Verifier.Follow] runs and
// hears from the core. A revocation then shows as soon as the stream tells, within one second. While the stream is silent
// the cache is not used.
//
// Every question is asked with FRESHNESS_STRICT: the stream tells what happened after its position, so a kept answer has
// to know all that happened before, which the memory of a core behind a load balancer may not yet.
func WithFollowedCache(size int, ttl time.Duration) Option {
	return func(v *Verifier) {
		v.cache = newCache(size, ttl)
		v.cache.ttl = min(ttl, maxFollowedTTL)
		v.cache.follow = newFollowed(v.cache.ttl)
	}
}

// Follow listens to the revocations of the core until ctx ends, and opens the stream again whenever it breaks. It returns
// an error only for a verifier without WithFollowedCache.
func (v *Verifier) Follow(ctx context.Context, watcher Watcher) error {
	if v.cache == nil || v.cache.follow == nil {
		return errNotFollowed
	}
	pause := firstPause
	for ctx.Err() == nil {
		began := v.now()
		err := v.listen(ctx, watcher)
		if ctx.Err() != nil {
			break
		}
		v.logger.WarnContext(ctx, "the revocations of the core cannot be followed; asking it about every token", "error", err)
		if v.now().Sub(began) > lastPause {
			pause = firstPause // it had worked for a while
		}
		wait(ctx, v.jittered(pause))
		pause = min(2*pause, lastPause)
	}
	return nil
}

// listen acts on one stream until it ends, or hangs.
func (v *Verifier) listen(ctx context.Context, watcher Watcher) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(maxHang, func() { cancel(errHung) })
	defer watchdog.Stop()
	request := &gatehousev1.WatchRevocationsRequest{After: v.cache.resume()}
	stream, err := watcher.WatchRevocations(ctx, request)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	defer v.cache.deafen()
	for {
		message, err := stream.Recv()
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		watchdog.Reset(maxHang)
		v.cache.hear(message, v.now())
	}
}

// jittered takes up to half off a pause, so that the edges of a core that restarts do not come back in step.
func (v *Verifier) jittered(pause time.Duration) time.Duration {
	var random [2]byte
	_, _ = io.ReadFull(v.random, random[:]) // zeros take nothing off
	return pause - pause/2*time.Duration(binary.BigEndian.Uint16(random[:]))/(1<<16)
}

// wait waits, or returns when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
