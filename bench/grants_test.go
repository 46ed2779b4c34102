package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	// grantsVariable asks for one more population, which takes minutes to make.
	grantsVariable = "GATEHOUSE_BENCH_GRANTS"

	// few is the population that all others are compared with.
	few = 10
	// verified is how many different tokens are verified at most: as many as are remembered by default.
	verified = 100_000
	// remembered is how many tokens the callers of the fast way present in turn.
	remembered = 1000
)

// benchmarkGrants measures what the number of grants in the store costs: VerifyToken against the same binary with ten
// grants, data on disk, and memory.
func benchmarkGrants(b *testing.B, path string) {
	for _, grants := range populations(b) {
		b.Run(fmt.Sprintf("grants=%d", grants), func(b *testing.B) {
			onStores(b, func(b *testing.B, s store) { comparePopulations(b, path, s, grants) })
		})
	}
}

func populations(b *testing.B) []int {
	b.Helper()
	text, ok := os.LookupEnv(grantsVariable)
	if !ok {
		leaveOut(b, "more than 10 000 grants: "+grantsVariable+"=1000000 make bench, which takes minutes more")
		return []int{10_000}
	}
	grants, err := strconv.Atoi(text)
	if err != nil || grants < few {
		b.Fatalf("%s=%s is no number of grants", grantsVariable, text)
	}
	return []int{10_000, grants}
}

// comparePopulations has the callers of both stores take turns. A small store has its pages at hand at all times: nothing
// is faster.
func comparePopulations(b *testing.B, path string, s store, grants int) {
	large := populate(b, path, s, grants)
	small := populate(b, path, s.another(b), few)
	idle := large.resident(b)
	rate := large.meetAll(b)
	after := large.resident(b)
	small.meetAll(b)
	costs := make(map[string]float64)
	for _, w := range []way{
		{"remembered", remembered, gatehousev1.Freshness_FRESHNESS_CACHED},
		{"strict", verified, gatehousev1.Freshness_FRESHNESS_STRICT},
	} {
		b.Run("VerifyToken/"+w.name, func(b *testing.B) {
			of, got := small.meter(b), large.meter(b)
			duel(b, repeat(64, small.ask(b, w)), repeat(64, large.ask(b, w)))
			costs["CPU-µs-"+w.name+"-of-few"], costs["CPU-µs-"+w.name] = of(), got()
		})
	}
	b.Run("figures", func(b *testing.B) {
		for b.Loop() { //nolint:revive // it was all measured before
		}
		b.ReportMetric(float64(large.bytesPerGrant), "bytes/grant")
		b.ReportMetric(idle, "MB-at-start")
		b.ReportMetric(float64(len(large.tokens)), "tokens-verified")
		b.ReportMetric(rate, "first-verifications/s")
		b.ReportMetric(after, "MB-after")
		for unit, cost := range costs {
			b.ReportMetric(cost, unit)
		}
		b.ReportMetric(0, "ns/op")
	})
}

// way is how tokens are verified: so many in turn, with a freshness.
type way struct {
	name      string
	tokens    int
	freshness gatehousev1.Freshness
}

// meter returns what a call has cost the process since, in microseconds of CPU. A busy machine changes that less than the
// rate.
func (p *population) meter(b *testing.B) func() float64 {
	b.Helper()
	cpu, calls := p.cpu(b), p.calls.Load()
	return func() float64 { return float64((p.cpu(b) - cpu).Microseconds()) / float64(p.calls.Load()-calls) }
}

// meetAll verifies every token once, so that none is remembered before, and returns the rate.
func (p *population) meetAll(b *testing.B) float64 {
	b.Helper()
	return share(64, len(p.tokens), func(i int) error { return p.verify(b.Context(), p.tokens[i], 0) })(b)
}

// ask presents some of the tokens in turn.
func (p *population) ask(b *testing.B, w way) func(int) error {
	b.Helper()
	tokens := p.tokens[:min(w.tokens, len(p.tokens))]
	var next atomic.Int64
	return func(int) error {
		return p.verify(b.Context(), tokens[next.Add(1)%int64(len(tokens))], w.freshness)
	}
}

func (p *population) verify(ctx context.Context, token string, freshness gatehousev1.Freshness) error {
	p.calls.Add(1)
	answer, err := p.core.VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{
		Token: token, Resource: origin + "/mcp", RequiredScopes: []string{"mcp"}, Freshness: freshness,
	})
	if err == nil && !answer.GetActive() {
		err = fmt.Errorf("the token is not active: %s", answer.GetReason())
	}
	return err
}
