package mcp_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"google.golang.org/grpc"

	"github.com/gatehouse-auth/gatehouse/edge/mcp"
	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	"github.com/gatehouse-auth/gatehouse/edge/verifier/verifiertest"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// jwtSized is a token about as long as a signed JWT.
var jwtSized = strings.Repeat("eyJhbGciOi", 60)

// answers is a core that costs nothing, so that what is measured is the edge.
type answers struct {
	answer *gatehousev1.VerifyTokenResponse
}

func (a answers) VerifyToken(
	context.Context, *gatehousev1.VerifyTokenRequest, ...grpc.CallOption,
) (*gatehousev1.VerifyTokenResponse, error) {
	return a.answer, nil
}

// BenchmarkToolsCall calls the tool greet over loopback HTTP, twice in each protocol era: "bare" is mcp-go alone,
// "gated" is the same server behind the gate. The ratio of their times is the price of the gate; the goal is that gated
// does at least nine calls in the time of ten bare ones.
func BenchmarkToolsCall(b *testing.B) {
	for _, version := range []string{mcpgo.ProtocolVersion20260728, mcpgo.ProtocolVersion20251125} {
		bare := server.NewStreamableHTTPServer(mcp.NewSampleServer("Sample", "1"), server.WithStateful(true), server.WithDisableStreaming(true))
		b.Run(version+"/bare", func(b *testing.B) { benchmarkToolsCall(b, bare, version, "") })
		b.Run(version+"/gated", func(b *testing.B) { benchmarkToolsCall(b, gated(b), version, jwtSized) })
	}
}

func gated(b *testing.B) http.Handler {
	core := verifiertest.NewClient(time.Now)
	core.Issue(jwtSized, token("ada"))
	answer, err := core.VerifyToken(b.Context(), &gatehousev1.VerifyTokenRequest{Token: jwtSized, Resource: resource})
	if err != nil || !answer.GetActive() {
		b.Fatal(answer, err)
	}
	endpoint, err := mcp.New(mcp.Deps{
		Verifier: verifier.New(answers{answer}, verifier.Config{Resource: resource, RequiredScopes: []string{"mcp"}}, verifier.WithTimeout(0)),
		Server:   mcp.NewSampleServer("Sample", "1"),
	}, mcp.Config{ResourceURL: resource})
	if err != nil {
		b.Fatal(err)
	}
	return endpoint
}

func benchmarkToolsCall(b *testing.B, handler http.Handler, version, token string) {
	web := httptest.NewServer(handler)
	defer web.Close()
	p := &peer{version: version, token: token}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	do := func(r *http.Request) *http.Response {
		response, err := client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			b.Fatal(response.Status)
		}
		return response
	}
	outgoing := func(method string, params map[string]any) (*http.Request, []byte) {
		r := p.request(b, 1, method, params)
		body, _ := io.ReadAll(r.Body)
		out, err := http.NewRequestWithContext(b.Context(), http.MethodPost, web.URL, bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		out.Host, out.Header = "localhost:8000", r.Header
		return out, body
	}
	if !p.modern() {
		r, _ := outgoing("initialize", map[string]any{"protocolVersion": version})
		p.session = do(r).Header.Get("Mcp-Session-Id") //nolint:bodyclose // do has read and closed it
	}
	call, body := outgoing("tools/call", map[string]any{"name": "greet", "arguments": map[string]any{"name": "Ada"}})
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := call.Clone(b.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
			do(r) //nolint:bodyclose // do has read and closed it
		}
	})
}
