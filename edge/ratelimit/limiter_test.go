package ratelimit

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is set by hand.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// admitted counts how many of n requests are admitted at once.
func admitted(l *Limiter, addr string, n int) int {
	count := 0
	for range n {
		if l.Admit(netip.MustParseAddr(addr)) == 0 {
			count++
		}
	}
	return count
}

func TestABucketHoldsItsBurstAndFillsAgain(t *testing.T) {
	c := newClock()
	l := New(Config{Source: Limit{Burst: 6, Per: time.Minute}, Now: c.Now})
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 6}, {9 * time.Second, 0}, {time.Second, 1}, {30 * time.Second, 3}, {time.Hour, 6}} {
		c.advance(step.after)
		if got := admitted(l, "203.0.113.1", 20); got != step.want {
			t.Errorf("after %s more: %d admitted, want %d", step.after, got, step.want)
		}
	}
}

func TestTheWaitOfARefusalIsTrue(t *testing.T) {
	addr := netip.MustParseAddr("203.0.113.1")
	for _, config := range []Config{
		{Source: Limit{7, time.Minute}},
		{Total: Limit{7, time.Minute}},
		{Source: Limit{5, time.Second}, Total: Limit{7, time.Minute}},
	} {
		c := newClock()
		config.Now = c.Now
		l := New(config)
		for range 20 {
			wait := l.Admit(addr)
			if wait == 0 {
				continue
			}
			c.advance(wait - 1)
			if l.Admit(addr) == 0 {
				t.Errorf("%+v: admitted before %s had passed", config, wait)
			}
			c.advance(1)
			if again := l.Admit(addr); again != 0 {
				t.Errorf("%+v: after %s of waiting %s more", config, wait, again)
			}
		}
	}
}

func TestWhatCountsAsOneSource(t *testing.T) {
	for _, tc := range []struct {
		name, first, second string
		same                bool
	}{
		{"one address", "203.0.113.1", "203.0.113.1", true},
		{"neighbours", "203.0.113.1", "203.0.113.2", false},
		{"IPv4 in both spellings", "203.0.113.1", "::ffff:203.0.113.1", true},
		{"one /64", "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"two /64", "2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"prefix that looks like an IPv4 address", "203.0.113.1", "0:0:cb00:7101::", false},
		{"IPv4 through a translator", "64:ff9b::203.0.113.1", "64:ff9b::203.0.113.2", false},
		{"IPv4 with and without a translator", "203.0.113.1", "64:ff9b::203.0.113.1", true},
		{"beside the prefix of translators", "203.0.113.1", "64:ff9b:0:0:0:1:203.0.113.1", false},
		{"a zone", "fe80::1%eth0", "fe80::1%eth1", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := New(Config{Source: Limit{3, time.Minute}, Now: newClock().Now})
			admitted(l, tc.first, 3)
			if got := admitted(l, tc.second, 1) == 0; got != tc.same {
				t.Errorf("one source: %t, want %t", got, tc.same)
			}
		})
	}
}

// subnet returns an address: the number tells which /64 of a /48 it is in, and which address there.
func subnet(network, host uint16) netip.Addr {
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint16(b[6:], network)
	binary.BigEndian.PutUint16(b[14:], host)
	return netip.AddrFrom16(b)
}

func TestRotatingThroughIPv6IsNoWayOut(t *testing.T) {
	for name, addr := range map[string]func(i int) netip.Addr{
		"one /64": func(i int) netip.Addr { return subnet(1, uint16(i)) },
		"one /48": func(i int) netip.Addr { return subnet(uint16(i), 1) },
	} {
		l := New(Config{Source: Limit{10, time.Minute}, Now: newClock().Now})
		count := 0
		for i := range 1 << 16 {
			if l.Admit(addr(i)) == 0 {
				count++
			}
		}
		if want := map[string]int{"one /64": 10, "one /48": 20}[name]; count != want {
			t.Errorf("%s: %d admitted of 2^16 addresses, want %d", name, count, want)
		}
	}
}

func TestASiteUsesUpNothingOfItsNeighbours(t *testing.T) {
	l := New(Config{Source: Limit{10, time.Minute}, Now: newClock().Now})
	for i := range 100 {
		l.Admit(subnet(uint16(i), 1))
	}
	for _, addr := range []string{"2001:db7:ffff::1", "2001:db8:1::1"} {
		if got := admitted(l, addr, 10); got != 10 {
			t.Errorf("%s: %d admitted, want 10", addr, got)
		}
	}
}

func TestOneSourceCannotUseUpWhatAllShare(t *testing.T) {
	c := newClock()
	l := New(Config{Source: Limit{10, time.Minute}, Total: Limit{25, time.Minute}, Now: c.Now})
	if got := admitted(l, "203.0.113.1", 10_000); got != 10 {
		t.Errorf("the flood got %d, want 10", got)
	}
	if got := admitted(l, "203.0.113.2", 10) + admitted(l, "203.0.113.3", 10); got != 15 {
		t.Errorf("the others got %d, want the 15 that are left", got)
	}
	c.advance(time.Minute)
	if got := admitted(l, "203.0.113.3", 10); got != 10 {
		t.Errorf("a source that the total had refused was charged for it: %d, want 10", got)
	}
}

// numbered returns the n-th of very many IPv4 addresses.
func numbered(n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 0x0b000000+uint32(n))
	return netip.AddrFrom4(b)
}

func TestAFloodOfNewSourcesForgetsItselfFirst(t *testing.T) {
	l := New(Config{Source: Limit{100, time.Hour}, Now: newClock().Now})
	admitted(l, "203.0.113.1", 100)
	for n := range 1_000_000 {
		l.Admit(numbered(n))
	}
	if got := admitted(l, "203.0.113.1", 100); got != 0 {
		t.Errorf("the flood bought a limited source %d requests", got)
	}
}

func TestMemoryDoesNotGrowWithTheSources(t *testing.T) {
	l := New(Config{Source: Limit{100, time.Hour}, Total: Limit{10_000_000, time.Second}, Now: newClock().Now})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range 1_000_000 {
		l.Admit(numbered(n))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<10 {
		t.Errorf("a million sources took %d bytes", grown)
	}
	runtime.KeepAlive(l)
}

func TestNothingIsLimitedWithoutALimit(t *testing.T) {
	l := New(Config{Now: newClock().Now})
	if got := admitted(l, "203.0.113.1", 10_000); got != 10_000 {
		t.Errorf("%d admitted", got)
	}
}

func TestWhoHasNoAddressSharesTheTotal(t *testing.T) {
	l := New(Config{Source: Limit{1, time.Minute}, Total: Limit{5, time.Minute}, Now: newClock().Now})
	count := 0
	for range 10 {
		if l.Admit(netip.Addr{}) == 0 {
			count++
		}
	}
	if count != 5 {
		t.Errorf("%d admitted, want 5", count)
	}
}

func TestAClockThatIsSetBackLocksNobodyOut(t *testing.T) {
	for name, back := range map[string]time.Duration{
		"by less than the period": 20 * time.Second, "by hours": 23 * time.Hour, "to before the start": 48 * time.Hour,
	} {
		c := newClock()
		l := New(Config{Source: Limit{2, time.Minute}, Total: Limit{20, time.Minute}, Now: c.Now})
		c.advance(24 * time.Hour)
		admitted(l, "203.0.113.1", 2)
		c.advance(-back)
		for _, addr := range []string{"203.0.113.1", "203.0.113.2"} {
			c.advance(l.Admit(netip.MustParseAddr(addr)))
		}
		if c.now.After(newClock().now.Add(24*time.Hour - back + time.Minute)) {
			t.Errorf("%s: the sources had to wait until %s", name, c.now)
		}
		if got := admitted(l, "203.0.113.1", 1) + admitted(l, "203.0.113.2", 1); got != 2 {
			t.Errorf("%s: %d admitted after the wait, want 2", name, got)
		}
	}
}

func TestARaceAdmitsNoMoreThanTheBurst(t *testing.T) {
	l := New(Config{Source: Limit{100, time.Hour}, Now: newClock().Now})
	var count atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { count.Add(int64(admitted(l, "203.0.113.1", 100))) })
	}
	group.Wait()
	if count.Load() != 100 {
		t.Errorf("%d admitted, want 100", count.Load())
	}
}
