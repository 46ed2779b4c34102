package bench

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/gatehouse-auth/gatehouse/edge"
	"github.com/gatehouse-auth/gatehouse/edge/mcp"
)

// BenchmarkToolsCall calls the tool of the sample server through the whole edge: guards, request log, gate, and the core
// in the same process. The limit is the same mcp-go server, served by net/http with nothing before it.
func BenchmarkToolsCall(b *testing.B) {
	core := openCore(b)
	limit := endpoint{address: serveBare(b), host: "localhost"}
	gatehouse := endpoint{address: serveEdge(b, core), host: host, token: core.login(b)}
	for _, version := range []string{mcpgo.LATEST_LEGACY_PROTOCOL_VERSION, mcpgo.LATEST_PROTOCOL_VERSION} {
		for _, callers := range []int{1, 64} {
			b.Run(fmt.Sprintf("version=%s/callers=%d", version, callers), func(b *testing.B) {
				duel(b, repeat(callers, limit.calls(b, version, callers)), repeat(callers, gatehouse.calls(b, version, callers)))
			})
		}
	}
}

// serveEdge serves the edge of a core, and returns its address.
func serveEdge(b *testing.B, core *core) string {
	b.Helper()
	log := logger(b)
	handler, err := edge.New(
		edge.Deps{Conn: core.channel, Logger: log, Now: time.Now, Random: rand.Reader},
		edge.Config{Issuer: issuer, Resource: resource, Scopes: []string{"mcp"}, ServerName: "Gatehouse", Version: "v0"})
	if err != nil {
		b.Fatal(err)
	}
	return serveHTTP(b, edge.NewHTTPServer(handler, log))
}

func serveBare(b *testing.B) string {
	b.Helper()
	mux := http.NewServeMux()
	mux.Handle("/mcp", mcpserver.NewStreamableHTTPServer(mcp.NewSampleServer("Gatehouse", "v0")))
	return serveHTTP(b, &http.Server{Handler: mux})
}

func serveHTTP(b *testing.B, config *http.Server) string {
	b.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = config
	server.Start()
	b.Cleanup(server.Close)
	return server.Listener.Addr().String()
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
