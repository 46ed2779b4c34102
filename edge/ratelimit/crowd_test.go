package ratelimit

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestACrowdGetsNoMoreThanOneAfterTheOther: whoever looks at the clock and is then overtaken refills no bucket.
func TestACrowdGetsNoMoreThanOneAfterTheOther(t *testing.T) {
	const callers, calls, burst, cost = 8, 5000, 100, 10
	limit := Limit{Burst: burst, Per: burst * cost}
	start := newClock().Now()
	for name, config := range map[string]Config{"one source": {Source: limit}, "all together": {Total: limit}} {
		var ticks, admitted atomic.Int64
		config.Now = func() time.Time {
			tick := ticks.Add(1)
			runtime.Gosched() // others overtake
			return start.Add(time.Duration(tick))
		}
		l := New(config)
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for range calls {
					if l.Admit(netip.MustParseAddr("192.0.2.1")) == 0 {
						admitted.Add(1)
					}
				}
			})
		}
		group.Wait()
		if got, most := admitted.Load(), ticks.Load()/cost+burst+1; got > most {
			t.Errorf("%s: %d admitted in %d ticks; want %d at most", name, got, ticks.Load(), most)
		}
	}
}
