package verifier

import (
	"container/list"
	"context"
	"crypto/sha256"
	"sync"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// maxCacheTTL is the promise of the core: a revocation shows within one second on every node.
const maxCacheTTL = time.Second

type cacheKey [sha256.Size]byte

// cache keeps active answers for a moment, the least recently used going first when it is full, and makes one call of
// concurrent questions about one token.
type cache struct {
	size int
	ttl  time.Duration
	// follow is set for a cache that hears of revocations.
	follow *followed

	mu      sync.Mutex
	entries map[cacheKey]*list.Element
	recent  *list.List // of *cacheEntry, most recently used first
	flights map[cacheKey]*flight
}

type cacheEntry struct {
	key    cacheKey
	answer *gatehousev1.VerifyTokenResponse
	until  time.Time
	epoch  uint64
}

// flight is a call of the core that others may wait for.
type flight struct {
	done   chan struct{}
	asked  time.Time
	epoch  uint64
	answer *gatehousev1.VerifyTokenResponse
	err    error
}

type askFunc func(ctx context.Context, token string) (*gatehousev1.VerifyTokenResponse, error)

func newCache(size int, ttl time.Duration) *cache {
	return &cache{
		size:    max(size, 1),
		ttl:     min(ttl, maxCacheTTL),
		entries: make(map[cacheKey]*list.Element),
		recent:  list.New(),
		flights: make(map[cacheKey]*flight),
	}
}

// answer returns a kept answer or asks. It returns early when ctx ends; the call goes on for the others who wait.
func (c *cache) answer(
	ctx context.Context, token string, now func() time.Time, ask askFunc,
) (*gatehousev1.VerifyTokenResponse, error) {
	key := cacheKey(sha256.Sum256([]byte(token)))
	// An answer is as old as its question: the clock is read before the call.
	asked := now()

	c.mu.Lock()
	if !c.trusted(asked) {
		c.mu.Unlock()
		return ask(ctx, token)
	}
	if kept := c.get(key, asked); kept != nil {
		c.mu.Unlock()
		return kept, nil
	}
	f, joined := c.flights[key]
	if joined && !asked.Before(f.asked.Add(c.ttl)) || !joined && len(c.flights) >= c.size {
		// That call is older than an answer may be, or the table is full. Ask without sharing.
		c.mu.Unlock()
		return ask(ctx, token)
	}
	if !joined {
		f = &flight{done: make(chan struct{}), asked: asked, epoch: c.epoch()}
		c.flights[key] = f
		go c.fly(context.WithoutCancel(ctx), key, token, f, ask)
	}
	c.mu.Unlock()

	select {
	case <-f.done:
		if joined && c.overtaken(f, now()) {
			return ask(ctx, token)
		}
		return f.answer, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fly makes the call. It is apart from the request that started it, because that one may go away while others wait; the
// timeout of the verifier bounds it.
func (c *cache) fly(ctx context.Context, key cacheKey, token string, f *flight, ask askFunc) {
	f.answer, f.err = ask(ctx, token)

	c.mu.Lock()
	delete(c.flights, key)
	if f.err == nil && f.answer.GetActive() {
		c.put(&cacheEntry{key: key, answer: f.answer, until: f.asked.Add(c.ttl), epoch: f.epoch})
	}
	c.mu.Unlock()
	close(f.done)
}

// overtaken reports whether a revocation came while a call was on its way, or may have come unheard. Whoever joined the
// call may have asked after that. Whoever made it asked before.
func (c *cache) overtaken(f *flight, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.stands(f.answer, f.epoch) || !c.trusted(now)
}

// get returns a kept answer that is still young enough. Whether its token has expired is for the caller to see.
func (c *cache) get(key cacheKey, now time.Time) *gatehousev1.VerifyTokenResponse {
	element, ok := c.entries[key]
	if !ok {
		return nil
	}
	entry := element.Value.(*cacheEntry)
	if !now.Before(entry.until) || !c.stands(entry.answer, entry.epoch) {
		c.remove(element)
		return nil
	}
	c.recent.MoveToFront(element)
	return entry.answer
}

func (c *cache) put(entry *cacheEntry) {
	if old, ok := c.entries[entry.key]; ok {
		c.remove(old)
	}
	c.entries[entry.key] = c.recent.PushFront(entry)
	if c.recent.Len() > c.size {
		c.remove(c.recent.Back())
	}
}

func (c *cache) remove(element *list.Element) {
	delete(c.entries, element.Value.(*cacheEntry).key)
	c.recent.Remove(element)
}
