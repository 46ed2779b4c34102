package bench

import (
	"fmt"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// benchmarkToolsCall calls the tool of the sample server. The limit is mcp-go, served by net/http alone. "guarded" is the
// same with authentication and nothing else: the verifier of package edge/verifier, which asks Gatehouse in another
// process once a second. "edge" is the endpoint of Gatehouse, with all that stands before it; "edge, authenticated" is the
// same endpoint, whose limit is an edge with a core that takes every token.
func benchmarkToolsCall(b *testing.B, path string) {
	g := start(b, path)
	token := register(b, g.operator(b)).login(b, signIn)
	l := startLimits(b, g, nil)
	bare := endpoint{url: "http://" + l.http + "/mcp"}
	edge := endpoint{url: g.resource(), token: token}
	for _, side := range []struct {
		name        string
		limit, side endpoint
	}{
		{"guarded", bare, endpoint{url: "http://" + l.http + "/guarded", token: token}},
		{"edge", bare, edge},
		{"edge/authenticated", endpoint{url: "http://" + l.edge + "/mcp", token: token}, edge},
	} {
		for _, version := range []string{mcpgo.LATEST_LEGACY_PROTOCOL_VERSION, mcpgo.LATEST_PROTOCOL_VERSION} {
			for _, callers := range []int{1, 64} {
				b.Run(fmt.Sprintf("%s/version=%s/callers=%d", side.name, version, callers), func(b *testing.B) {
					duel(b, repeat(callers, side.limit.calls(b, version, callers)),
						repeat(callers, side.side.calls(b, version, callers)))
				})
			}
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
