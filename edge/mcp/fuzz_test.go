package mcp_test

import (
	"net/http"
	"strings"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// Whatever a client with a good token sends, it is answered, and as its own fault where it is one.
func FuzzPost(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05"}}`,
		`{"jsonrpc":"2.0","id":"x","method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}`,
		`{"jsonrpc":"2.0","id":1,"error":{"code":"x"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":[]}`,
		`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":1}}`,
		`[]`, `{`, `null`,
	} {
		f.Add(seed, "")
		f.Add(seed, mcpgo.ProtocolVersion20260728)
	}
	r := newRig(f)
	session := r.connect(f, mcpgo.ProtocolVersion20251125, "ada").session
	f.Fuzz(func(t *testing.T, body, version string) {
		if strings.Contains(body, "wait") || strings.Contains(body, "hold") || strings.Contains(body, "listen") {
			t.Skip("these take their time")
		}
		p := &peer{rig: r, version: version, token: "ada", session: session}
		a := p.do(p.raw(http.MethodPost, []byte(body)))
		if a.status >= 500 || a.status < 200 {
			t.Fatalf("%q in %q: %d %s", body, version, a.status, a.body)
		}
	})
}
