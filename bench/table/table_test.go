package main

import (
	"strings"
	"testing"
)

const output = `goos: linux
cpu: A processor
BenchmarkBinary/StartUp-2 	       7	        35.71 MB	        35.60 ms
BenchmarkBinary/ToolsCall/version=2025-11-25/callers=64-2   	7	     16456 gatehouse/s	   1228480 limit/s	         0.5773 ratio
BenchmarkExchangeCode-2   	7	     380 gatehouse/s	     23730 limit/s	         0.1968 ratio
PASS
ok  	example	85.120s
`

const table = `| measurement | limit, per second | Gatehouse, per second | ratio |
| --- | ---: | ---: | ---: |
| ToolsCall, version 2025-11-25, callers 64 | 1 228 480 | 16 456 | **0.58** |
| ExchangeCode | 23 730 | 380 | **0.20** |

| measurement | figures |
| --- | --- |
| StartUp | 36 MB, 36 ms |
`

func TestTablesHaveWhatTheBenchmarksReported(t *testing.T) {
	var out, progress strings.Builder
	if err := run(strings.NewReader(output), &out, &progress); err != nil {
		t.Fatal(err)
	}
	if out.String() != table {
		t.Errorf("tables:\n%s\nwant:\n%s", out.String(), table)
	}
	if progress.String() != output {
		t.Errorf("progress:\n%s", progress.String())
	}
}
