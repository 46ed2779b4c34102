// Command table prints what the benchmarks of package bench report as two tables in Markdown. It reads the output of go
// test, which it shows on standard error as it comes:
//
//	go test -run '^$' -bench . -benchtime 21x ./bench | go run ./bench/table
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(in io.Reader, out, progress io.Writer) error {
	var results []result
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		fmt.Fprintln(progress, lines.Text())
		if r, ok := parse(lines.Text()); ok {
			results = append(results, r)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	write(out, results)
	return nil
}
