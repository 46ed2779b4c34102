package bench

import (
	"fmt"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// benchmarkToolsCall calls the tool of the sample server through everything that stands before it. The limit is the same
// mcp-go server, served by net/http alone.
func benchmarkToolsCall(b *testing.B, path string) {
	g := start(b, path)
	limit := endpoint{address: startLimits(b, nil).http}
	gatehouse := endpoint{address: g.http, token: register(b, g.operator(b)).login(b, signIn)}
	for _, version := range []string{mcpgo.LATEST_LEGACY_PROTOCOL_VERSION, mcpgo.LATEST_PROTOCOL_VERSION} {
		for _, callers := range []int{1, 64} {
			b.Run(fmt.Sprintf("version=%s/callers=%d", version, callers), func(b *testing.B) {
				duel(b, repeat(callers, limit.calls(b, version, callers)), repeat(callers, gatehouse.calls(b, version, callers)))
			})
		}
	}
}

// calls connects callers and returns the operation of one: a tool call.
func (e endpoint) calls(b *testing.B, version string, callers int) func(caller int) error {
	b.Helper()
	peers := make([]*peer, callers)
	for i := range peers {
		peers[i] = e.connect(b, version)
	}
	return func(caller int) error { return peers[caller].call() }
}
