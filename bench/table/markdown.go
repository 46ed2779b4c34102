package main

import (
	"fmt"
	"io"
	"strings"
)

// write prints what has a limit, and then what stands alone.
func write(out io.Writer, results []result) {
	var alone []result
	fmt.Fprint(out, "| measurement | limit, per second | Gatehouse, per second | ratio |\n| --- | ---: | ---: | ---: |\n")
	for _, r := range results {
		ratio, ok := r.of("ratio")
		if !ok {
			alone = append(alone, r)
			continue
		}
		limit, _ := r.of("limit/s")
		got, _ := r.of("gatehouse/s")
		fmt.Fprintf(out, "| %s | %s | %s | **%.2f** |\n", r.name, thousands(limit), thousands(got), ratio)
	}
	fmt.Fprint(out, "\n| measurement | figures |\n| --- | --- |\n")
	for _, r := range alone {
		var figures []string
		for _, f := range r.figures {
			figures = append(figures, thousands(f.value)+" "+f.unit)
		}
		fmt.Fprintf(out, "| %s | %s |\n", r.name, strings.Join(figures, ", "))
	}
}

// thousands writes a whole number in groups of three.
func thousands(value float64) string {
	digits := fmt.Sprintf("%.0f", value)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}
