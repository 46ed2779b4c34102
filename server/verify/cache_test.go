package verify

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/token"
)

var start = time.Unix(1_800_000_000, 0)

func newTestCache(t testing.TB, size int) *cache {
	t.Helper()
	c, err := newCache(size, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func verdictFor(grant string) *Verdict {
	return &Verdict{Claims: token.Claims{GrantID: grant, Expiry: start.Add(time.Hour).Unix()}}
}

func keyOf(text string) secret.Hash { return secret.NewText(text).Hash() }

func TestEntryStandsForTheIntervalAndNoLonger(t *testing.T) {
	c := newTestCache(t, 10)
	c.put(keyOf("a"), verdictFor("g"), c.epoch(), start.Add(time.Minute))
	if _, ok := c.get(keyOf("a"), start.Add(time.Minute-1)); !ok {
		t.Error("forgotten early")
	}
	if _, ok := c.get(keyOf("a"), start.Add(time.Minute)); ok {
		t.Error("served after the interval")
	}
}

func TestEntryNeverOutlivesItsToken(t *testing.T) {
	c := newTestCache(t, 10)
	verdict := verdictFor("g")
	verdict.Claims.Expiry = start.Add(time.Second).Unix()
	c.put(keyOf("a"), verdict, c.epoch(), start.Add(time.Minute))
	if _, ok := c.get(keyOf("a"), start.Add(time.Second)); ok {
		t.Error("served after the token expired")
	}
}

func TestRevokedGrantIsNeverServed(t *testing.T) {
	c := newTestCache(t, 10)
	epoch := c.epoch()
	c.put(keyOf("before"), verdictFor("g"), epoch, start.Add(time.Minute))
	c.revoke(start, []string{"g"})
	c.put(keyOf("after"), verdictFor("g"), epoch, start.Add(time.Minute)) // a reader that was under way
	c.put(keyOf("other"), verdictFor("h"), epoch, start.Add(time.Minute))
	for name, want := range map[string]bool{"before": false, "after": false, "other": true} {
		if _, ok := c.get(keyOf(name), start); ok != want {
			t.Errorf("%s: served = %t", name, ok)
		}
	}
}

func TestMassRevocationIsBoundedAndStillComplete(t *testing.T) {
	c := newTestCache(t, 10)
	epoch := c.epoch()
	c.put(keyOf("a"), verdictFor("g-0"), epoch, start.Add(time.Minute))
	for i := range 3 * maxRevoked {
		c.revoke(start, []string{fmt.Sprint("g-", i)})
		if len(c.revoked) > maxRevoked {
			t.Fatalf("%d revoked grants are remembered", len(c.revoked))
		}
	}
	c.put(keyOf("late"), verdictFor("g-1"), epoch, start.Add(time.Minute))
	for _, name := range []string{"a", "late"} {
		if _, ok := c.get(keyOf(name), start); ok {
			t.Errorf("%s: served although revoked", name)
		}
	}
}

func TestForgottenRevocationsAreOlderThanAnyEntry(t *testing.T) {
	c := newTestCache(t, 10)
	c.put(keyOf("a"), verdictFor("g"), c.epoch(), start.Add(time.Minute))
	c.revoke(start, []string{"g"})
	epoch := c.epoch()
	for i := range maxRevoked - 1 {
		c.revoke(start, []string{fmt.Sprint("g-", i)})
	}
	later := start.Add(2*time.Minute + 1)
	c.revoke(later, []string{"h"})
	if c.isRevoked("g") || !c.isRevoked("h") {
		t.Error("the old did not make room for the new")
	}
	if c.epoch() != epoch {
		t.Error("every verdict was forgotten though there was room")
	}
	if _, ok := c.get(keyOf("a"), later); ok {
		t.Error("served")
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newTestCache(t, 100)
	for i := range 10_000 {
		c.put(keyOf(fmt.Sprint(i)), verdictFor("g"), c.epoch(), start.Add(time.Minute))
	}
	c.entries.CleanUp()
	if n := c.entries.EstimatedSize(); n > 100 {
		t.Errorf("%d entries", n)
	}
}

func BenchmarkHit(b *testing.B) {
	c := newTestCache(b, 1000)
	text := secret.NewText(string(make([]byte, 700)))
	c.put(text.Hash(), verdictFor("g"), c.epoch(), start.Add(time.Minute))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, ok := c.get(text.Hash(), start); !ok {
				b.Fatal("miss")
			}
		}
	})
}
