package tour

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Colors of a terminal (ECMA-48 SGR).
const (
	green = "32"
	red   = "31"
	faint = "2"
)

// titleWidth is the column of the durations.
const titleWidth = 48

// printer tells the tour.
type printer struct {
	out   io.Writer
	color bool
	now   func() time.Time

	begun, started time.Time
}

// mismatch is a step that did not hold.
type mismatch struct{ expected, came string }

// Error names both sides.
func (m *mismatch) Error() string { return "expected " + m.expected + ", got " + m.came }

// unlike returns a mismatch.
func unlike(expected, came string) error { return &mismatch{expected: expected, came: came} }

func (p *printer) begin(resource string) {
	p.begun = p.now()
	fmt.Fprintf(p.out, "One login at %s, step by step.\n\n", resource)
}

func (p *printer) start() { p.started = p.now() }

func (p *printer) held(title, detail string) {
	p.headline("✓", green, title)
	fmt.Fprintf(p.out, "    %s\n", p.paint(faint, detail))
}

func (p *printer) failed(title string, err error) {
	p.headline("✗", red, title)
	if m, ok := errors.AsType[*mismatch](err); ok {
		fmt.Fprintf(p.out, "    expected  %s\n    came      %s\n", m.expected, m.came)
		return
	}
	fmt.Fprintf(p.out, "    %v\n", err)
}

func (p *printer) headline(mark, color, title string) {
	took := duration(p.now().Sub(p.started))
	fmt.Fprintf(p.out, "  %s %-*s %9s\n", p.paint(color, mark), titleWidth, title, took)
}

func (p *printer) end(steps int) {
	fmt.Fprintf(p.out, "\nAll %d steps held, in %s.\n", steps, duration(p.now().Sub(p.begun)))
}

func (p *printer) paint(color, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// duration is a duration in milliseconds, or in seconds from the first on.
func duration(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
}
