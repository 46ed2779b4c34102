package verify

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// maxRevoked bounds the grants that are remembered as revoked. Half as many while an entry can live may empty the cache.
const maxRevoked = 20_000

// longestLook is more than it takes to ask the store and the provider about a token.
const longestLook = time.Minute

// entry is a remembered verdict.
type entry struct {
	verdict *Verdict
	epoch   uint64
	until   time.Time // when grant and provider are asked again, or the token expires
}

// cache remembers verdicts on good tokens, by the hash of the token.
//
// A revoked grant must not be served from an entry, nor from one that a reader adds after it read the store and before
// the revocation. So a revoked id is kept for as long as an entry can live, and every hit is checked against it. When
// too many pile up, the epoch moves on instead, and every entry of an earlier epoch is a miss.
type cache struct {
	entries  *otter.Cache[secret.Hash, entry]
	interval time.Duration

	epochNow atomic.Uint64
	mu       sync.RWMutex
	revoked  map[string]time.Time // grant id to when it may be forgotten
}

func newCache(size int, interval time.Duration) (*cache, error) {
	entries, err := otter.New(&otter.Options[secret.Hash, entry]{MaximumSize: size})
	if err != nil {
		return nil, fmt.Errorf("verify: cache: %w", err)
	}
	return &cache{entries: entries, interval: interval, revoked: make(map[string]time.Time)}, nil
}

func (c *cache) epoch() uint64 { return c.epochNow.Load() }

// get returns a verdict that may be served. One that would stand for longer than an interval was remembered by a clock
// that has been set back since, and might outlive the memory of its revocation.
func (c *cache) get(key secret.Hash, now time.Time) (*Verdict, bool) {
	found, ok := c.entries.GetIfPresent(key)
	if !ok || !c.stands(found.verdict, found.epoch) {
		return nil, false
	}
	if !now.Before(found.until) || found.until.After(now.Add(c.interval)) {
		return nil, false
	}
	return found.verdict, true
}

// stands reports whether nothing contradicts a verdict of an epoch. The epoch is compared last: it moves on before the
// revoked grants are cleared, so one of the two tells.
func (c *cache) stands(verdict *Verdict, epoch uint64) bool {
	return !c.isRevoked(verdict.Claims.GrantID) && epoch == c.epoch()
}

// forget moves the epoch on, so that every entry is a miss.
func (c *cache) forget() { c.epochNow.Add(1) }

// put remembers a verdict that was formed in an epoch, until a time that is at most an interval away.
func (c *cache) put(key secret.Hash, verdict *Verdict, epoch uint64, until time.Time) {
	if expiry := time.Unix(verdict.Claims.Expiry, 0); expiry.Before(until) {
		until = expiry
	}
	c.entries.Set(key, entry{verdict: verdict, epoch: epoch, until: until})
}

func (c *cache) isRevoked(grantID string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, ok := c.revoked[grantID]
	return ok
}

func (c *cache) revoke(now time.Time, grantIDs []string) {
	if len(grantIDs) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.revoked)+len(grantIDs) > maxRevoked && !c.makeRoom(now, len(grantIDs)) {
		c.epochNow.Add(1)
		clear(c.revoked)
		return
	}
	// Longer than an interval, since a reader may be under way that adds its entry, or answers, later than now.
	forget := now.Add(c.interval + max(c.interval, longestLook))
	for _, id := range grantIDs {
		c.revoked[id] = forget
	}
}

// makeRoom drops what may be forgotten, and reports whether that was worth it: only then is it long until the next time,
// since it walks over everything while nobody can read.
func (c *cache) makeRoom(now time.Time, wanted int) bool {
	for id, forget := range c.revoked {
		if now.After(forget) {
			delete(c.revoked, id)
		}
	}
	return len(c.revoked)+wanted <= maxRevoked/2
}
