package bench

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// turn is how long one side runs before the other side does: short, since what else the machine does comes and goes.
const turn = 100 * time.Millisecond

// side performs for one turn and returns its operations per second.
type side func(b *testing.B) float64

// duel has both sides perform in every round and reports the medians. The first turns are not counted: connections open
// and caches fill.
func duel(b *testing.B, limit, gatehouse side) {
	b.Helper()
	limit(b)
	gatehouse(b)
	var limits, rates, ratios []float64
	for b.Loop() {
		var of, got float64
		if len(ratios)%2 == 0 {
			of, got = limit(b), gatehouse(b)
		} else {
			got, of = gatehouse(b), limit(b)
		}
		limits, rates, ratios = append(limits, of), append(rates, got), append(ratios, got/of)
	}
	b.ReportMetric(median(limits), "limit/s")
	b.ReportMetric(median(rates), "gatehouse/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(0, "ns/op") // the length of a round means nothing
}

// repeat returns a side in which callers repeat an operation until the turn is over.
func repeat(callers int, operation func(caller int) error) side {
	return func(b *testing.B) float64 {
		b.Helper()
		var over atomic.Bool
		var count atomic.Int64
		runtime.GC() // nobody cleans up after the other side
		start := time.Now()
		time.AfterFunc(turn, func() { over.Store(true) })
		together(callers, func(caller int) {
			var done int64
			for !over.Load() {
				if err := operation(caller); err != nil {
					b.Error(err)
					return
				}
				done++
			}
			count.Add(done)
		})
		failNow(b)
		return perSecond(int(count.Load()), start)
	}
}

// share returns a side in which callers share a fixed number of operations.
func share(callers, operations int, operation func(i int) error) side {
	return func(b *testing.B) float64 {
		b.Helper()
		var next atomic.Int64
		runtime.GC()
		start := time.Now()
		together(callers, func(int) {
			for i := next.Add(1) - 1; i < int64(operations); i = next.Add(1) - 1 {
				if err := operation(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
		failNow(b)
		return perSecond(operations, start)
	}
}

// failNow ends a benchmark in which a caller has failed.
func failNow(b *testing.B) {
	b.Helper()
	if b.Failed() {
		b.FailNow()
	}
}

// together runs a function once for every caller, at the same time.
func together(callers int, run func(caller int)) {
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() { run(caller) })
	}
	group.Wait()
}

func perSecond(count int, start time.Time) float64 {
	return float64(count) / time.Since(start).Seconds()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}
