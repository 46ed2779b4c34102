package ratelimit

import "time"

// Limit is the size of a token bucket: Burst requests at once, and as many again in each Per after that. The zero value is
// no limit.
type Limit struct {
	Burst int
	Per   time.Duration
}

// IsOff reports whether nothing is limited.
func (l Limit) IsOff() bool { return l.Burst <= 0 || l.Per <= 0 }

// meter is the arithmetic of a bucket whose whole state is one moment: when it will be full again. That is exact in
// integers, so that the wait that a refusal names is true, and it tells which of two buckets has more to forget.
// It is the virtual scheduling form of the generic cell rate algorithm (ITU-T I.371).
type meter struct {
	// cost is how long one request takes to be refilled, and depth how long an empty bucket takes.
	cost, depth time.Duration
}

func newMeter(l Limit) meter {
	return meter{cost: max(l.Per/time.Duration(l.Burst), 1), depth: l.Per}
}

// spend returns when the bucket is full again after one more request at now, and how long that request has to wait. A
// request that has to wait must not be counted.
func (m meter) spend(full, now time.Duration) (next, wait time.Duration) {
	if full > now+m.depth { // no bucket is that empty: the clock was set back
		full = now
	}
	next = max(full, now) + m.cost
	return next, max(next-now-m.depth, 0)
}
