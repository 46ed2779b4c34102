package verifier

import (
	"maps"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// maxRevoked bounds the grants that are remembered as revoked.
const maxRevoked = 10_000

// followed is what a cache knows from the stream of revocations. The mutex of the cache guards it.
//
// An answer that was on its way when its grant was revoked may come in later than the revocation. So revoked grants are
// remembered for as long as an answer can be kept; and when too many pile up, or something was missed, the epoch moves
// on and no answer to a question of an earlier one counts.
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

// resume is where a new stream goes on. Position 0 means "from now" to the core, so that what was revoked since the last
// stream is not told: nothing of before counts then.
func (c *cache) resume() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.follow.position == 0 {
		c.follow.forget()
	}
	return c.follow.position
}

// hear acts on one message.
func (c *cache) hear(message *gatehousev1.WatchRevocationsResponse, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.follow
	f.heard, f.position = now, max(f.position, message.GetPosition())
	maps.DeleteFunc(f.revoked, func(_ string, forget time.Time) bool { return now.After(forget) })
	if message.GetReset_() {
		f.position = message.GetPosition()
		f.forget()
	}
	if len(f.revoked)+len(message.GetGrantIds()) > maxRevoked {
		f.forget() // these grants as well: the store knows of them, and every later question is put to it
		return
	}
	for _, id := range message.GetGrantIds() {
		f.revoked[id] = now.Add(2 * f.ttl)
	}
}

// forget makes every answer so far count for nothing.
func (f *followed) forget() {
	f.epoch++
	clear(f.revoked)
}

// deafen notes that the stream has ended.
func (c *cache) deafen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow.heard = time.Time{}
}

// trusted reports whether kept answers may be used: a cache that follows nothing is bounded by its age alone. The caller
// holds the mutex.
func (c *cache) trusted(now time.Time) bool {
	return c.follow == nil || !c.follow.heard.IsZero() && now.Sub(c.follow.heard) <= maxSilence
}

// epoch is the epoch that an answer to a question of now will belong to. The caller holds the mutex.
func (c *cache) epoch() uint64 {
	if c.follow == nil {
		return 0
	}
	return c.follow.epoch
}

// stands reports whether no revocation contradicts an answer to a question of an epoch. The caller holds the mutex.
func (c *cache) stands(answer *gatehousev1.VerifyTokenResponse, epoch uint64) bool {
	if c.follow == nil {
		return true
	}
	_, revoked := c.follow.revoked[answer.GetGrantId()]
	return !revoked && epoch == c.follow.epoch
}
