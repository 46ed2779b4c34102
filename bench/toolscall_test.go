package bench

import (
	"fmt"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// benchmarkToolsCall calls the tool of the sample server. The limit is mcp-go, served by net/http alone. "guarded" is the
// same with authentication and nothing else: the verifier of package edge/verifier, which asks Gatehouse in another
// process once a second. "edge" is the endpoint of Gatehouse, with all that stands before it.
func benchmarkToolsCall(b *testing.B, path string) {
	g := start(b, path)
	token := register(b, g.operator(b)).login(b, signIn)
	base := "http://" + startLimits(b, g, nil).http
	bare := endpoint{url: base + "/mcp"}
	for _, side := range []struct {
		name string
		endpoint
	}{
		{"guarded", endpoint{url: base + "/guarded", token: token}},
		{"edge", endpoint{url: g.resource(), token: token}},
	} {
		for _, version := range []string{mcpgo.LATEST_LEGACY_PROTOCOL_VERSION, mcpgo.LATEST_PROTOCOL_VERSION} {
			for _, callers := range []int{1, 64} {
				b.Run(fmt.Sprintf("%s/version=%s/callers=%d", side.name, version, callers), func(b *testing.B) {
					duel(b, repeat(callers, bare.calls(b, version, callers)), repeat(callers, side.calls(b, version, callers)))
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
