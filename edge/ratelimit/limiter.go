// Package ratelimit limits how many requests come from one source, and how many from all together, in memory that does not
// grow with the number of sources.
package ratelimit

import (
	"net/netip"
	"sync"
	"time"
)

// Config says what is limited.
type Config struct {
	// Source is the limit of one source: an IPv4 address, or an IPv6 /64. A whole IPv6 /48 may send twice as much.
	Source Limit
	// Total is the limit of all sources together.
	Total Limit
	// Now is the clock.
	Now func() time.Time
}

// Limiter counts the requests to one surface. It is safe for concurrent use.
//
// A request that is refused costs nothing, neither its source nor the others: whoever keeps on is no later served than who
// waits, and a source over its limit takes nothing of what all share.
type Limiter struct {
	now    func() time.Time
	start  time.Time
	total  *meter // nil without a limit
	narrow *meter
	wide   *meter

	mu        sync.Mutex
	totalFull time.Duration
	sources   *table
}

// New returns a limiter whose buckets are full.
func New(config Config) *Limiter {
	l := &Limiter{now: config.Now, start: config.Now()}
	if !config.Total.IsOff() {
		l.total = new(newMeter(config.Total))
	}
	if !config.Source.IsOff() {
		l.sources = newTable()
		l.narrow = new(newMeter(config.Source))
		l.wide = new(newMeter(Limit{Burst: 2 * config.Source.Burst, Per: config.Source.Per}))
	}
	return l
}

// Admit counts a request from an address and returns 0, or returns how long the source has to wait until a request is
// admitted. A request from an invalid address counts against the total alone.
func (l *Limiter) Admit(addr netip.Addr) time.Duration {
	narrow, wide := networksOf(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	// Read here, since who has read it earlier than the last one that was counted would seem to come from before the buckets were
	// emptied, as after a clock was set back, and would fill them.
	now := l.now().Sub(l.start)
	var total, inNarrow, inWide time.Duration
	var waits [3]time.Duration
	if l.total != nil {
		total, waits[0] = l.total.spend(l.totalFull, now)
	}
	limited := l.sources != nil
	if limited && narrow.kind != 0 {
		inNarrow, waits[1] = l.narrow.spend(l.sources.full(narrow), now)
	}
	if limited && wide.kind != 0 {
		inWide, waits[2] = l.wide.spend(l.sources.full(wide), now)
	}
	if wait := max(waits[0], waits[1], waits[2]); wait > 0 {
		return wait
	}
	l.totalFull = total
	if inNarrow > 0 {
		l.sources.put(narrow, inNarrow)
	}
	if inWide > 0 {
		l.sources.put(wide, inWide)
	}
	return 0
}
