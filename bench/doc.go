// Package bench measures Gatehouse against limits that it cannot pass: an RPC that does nothing, an MCP server without
// authentication, a disk that does nothing but commit. It has benchmarks only:
//
//	go test -run '^$' -bench . -benchtime 21x ./bench
//
// An iteration is a round, in which both sides have a turn, in changing order. The ratio is taken within each round and
// the median of the rounds is reported: what else the machine does meanwhile hits both sides alike. Nothing here asserts
// a time, so that a busy machine fails no build.
//
// BenchmarkBinary measures the binary that people run, from outside, and the others the core in this process. What a
// machine or a default leaves out is said on standard error, with what would make it run.
// docs/performance.md has figures and what they mean; package bench/table prints them as Markdown.
package bench
