package tour

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock moves on by a step at every reading.
func clock(step time.Duration) func() time.Time {
	now := time.Unix(0, 0)
	return func() time.Time {
		now = now.Add(step)
		return now
	}
}

func held(*walk, context.Context) (string, error) { return "as it should be", nil }

func TestEveryStepIsToldWithItsDuration(t *testing.T) {
	var out bytes.Buffer
	p := &printer{out: &out, now: clock(2500 * time.Microsecond)}
	steps := []step{{"First", held}, {"Second", held}}
	if err := follow(t.Context(), p, Target{Resource: "http://h/mcp"}, nil, steps); err != nil {
		t.Fatal(err)
	}
	const want = `One login at http://h/mcp, step by step.

  ✓ First                                               2.5 ms
    as it should be
  ✓ Second                                              2.5 ms
    as it should be

All 2 steps held, in 12.5 ms.
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestTheFirstFailureEndsTheTour(t *testing.T) {
	tests := map[string]struct {
		err  error
		want string
	}{
		"a mismatch tells both sides": {
			err:  unlike("401", "200 OK"),
			want: "  ✗ Second                                              1.00 s\n    expected  401\n    came      200 OK\n",
		},
		"any other error is told": {
			err:  errors.New("connection refused"),
			want: "  ✗ Second                                              1.00 s\n    connection refused\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			p := &printer{out: &out, now: clock(time.Second)}
			err := follow(t.Context(), p, Target{}, nil, []step{
				{"First", held},
				{"Second", func(*walk, context.Context) (string, error) { return "", test.err }},
				{"Third", held},
			})
			if err == nil || err.Error() != "step 2 of 3 did not hold: Second" {
				t.Errorf("got %v", err)
			}
			if !strings.HasSuffix(out.String(), test.want) {
				t.Errorf("printed %q, want it to end with %q", out.String(), test.want)
			}
		})
	}
}

func TestAnInterruptedTourBlamesNoStep(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	err := follow(ctx, &printer{out: &out, now: time.Now}, Target{}, nil, []step{
		{"First", func(_ *walk, ctx context.Context) (string, error) {
			cancel()
			return "", ctx.Err()
		}},
	})
	if err == nil || err.Error() != "interrupted" || strings.Contains(out.String(), "First") {
		t.Errorf("got %v and %q", err, out.String())
	}
}

func TestColorIsOnlyInMarksAndDetails(t *testing.T) {
	var out bytes.Buffer
	p := &printer{out: &out, now: clock(time.Second)}
	WithColor()(p)
	const want = "  \x1b[32m✓\x1b[0m First                                               1.00 s\n    \x1b[2mdetail\x1b[0m\n"
	p.start()
	p.held("First", "detail")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
