package main

import (
	"strconv"
	"strings"
)

// result is one line of a benchmark.
type result struct {
	name    string
	figures []figure // in the order of the line
}

type figure struct {
	value float64
	unit  string
}

// parse reads a line in the format of Go benchmarks: a name, the number of iterations, and pairs of value and unit.
func parse(line string) (result, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || len(fields)%2 != 0 || !strings.HasPrefix(fields[0], "Benchmark") {
		return result{}, false
	}
	r := result{name: label(fields[0])}
	for pair := fields[2:]; len(pair) > 0; pair = pair[2:] {
		value, err := strconv.ParseFloat(pair[0], 64)
		if err != nil {
			return result{}, false
		}
		r.figures = append(r.figures, figure{value: value, unit: pair[1]})
	}
	return r, true
}

// label is the name for people: without the prefixes, and without the number of cores at the end.
func label(name string) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "Benchmark"), "Binary/")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			name = name[:i]
		}
	}
	return strings.NewReplacer("/", ", ", "=", " ").Replace(name)
}

// of returns the figure with a unit.
func (r result) of(unit string) (float64, bool) {
	for _, f := range r.figures {
		if f.unit == unit {
			return f.value, true
		}
	}
	return 0, false
}
