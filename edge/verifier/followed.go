package verifier

import (
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// maxRevoked bounds the grants that are remembered as revoked.
const maxRevoked = 10_000

// followed is what a cache knows from the stream of revocations. The mutex of the cache guards it.
//
// An answer that was on its way when its grant was revoked may come in later than the revocation. So revoked grants are
// remembered for as long as an answer can be kept; and when too many pile up, or something was missed, the epoch moves
// on and no answer of an earlier one counts.
type followed struct {
	ttl      time.Duration
	position int64
	heard    time.Time // of the last message; zero before the first
	epoch    uint64
	revoked  map[string]time.Time // grant id to when it may be forgotten
}

func newFollowed(ttl time.Duration) *followed {
	return &followed{ttl: ttl, revoked: make(map[string]time.Time)}
}

// position is where to go on after a break.
func (c *cache) position() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.follow.position
}

// hear acts on one message.
func (c *cache) hear(message *gatehousev1.WatchRevocationsResponse, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.follow
	f.heard, f.position = now, max(f.position, message.GetPosition())
	for id, forget := range f.revoked {
		if now.After(forget) {
			delete(f.revoked, id)
		}
	}
	if message.GetReset_() || len(f.revoked)+len(message.GetGrantIds()) > maxRevoked {
		f.epoch++
		f.position = message.GetPosition()
		clear(f.revoked)
	}
	for _, id := range message.GetGrantIds() {
		f.revoked[id] = now.Add(2 * f.ttl)
	}
}

// deafen notes that the stream has ended.
func (c *cache) deafen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow.heard = time.Time{}
}

// trusted reports whether kept answers may be used: a cache that follows nothing is bounded by its age alone.
func (c *cache) trusted(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.follow == nil || !c.follow.heard.IsZero() && now.Sub(c.follow.heard) <= maxSilence
}

// epochNow is the epoch that an answer to a question of now will belong to. The caller holds the mutex.
func (c *cache) epochNow() uint64 {
	if c.follow == nil {
		return 0
	}
	return c.follow.epoch
}

// stands reports whether no revocation contradicts a kept answer. The caller holds the mutex.
func (c *cache) stands(entry *cacheEntry) bool {
	if c.follow == nil {
		return true
	}
	_, revoked := c.follow.revoked[entry.answer.GetGrantId()]
	return !revoked && entry.epoch == c.follow.epoch
}
