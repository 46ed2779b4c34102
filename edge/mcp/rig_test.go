package mcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"go.uber.org/goleak"

	"github.com/gatehouse-auth/gatehouse/edge/mcp"
	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	"github.com/gatehouse-auth/gatehouse/edge/verifier/verifiertest"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	resource    = "http://localhost:8000/mcp"
	metadataURL = "http://localhost:8000/.well-known/oauth-protected-resource/mcp"
	challenge   = `Bearer resource_metadata="` + metadataURL + `", scope="mcp"`
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// forEveryVersion runs a test once per protocol version that mcp-go speaks, so that a new version is covered on the day
// on which it is added. Covers mcp-version-downgrade.
func forEveryVersion(t *testing.T, test func(t *testing.T, version string)) {
	t.Helper()
	for _, version := range mcpgo.ValidProtocolVersions {
		t.Run(version, func(t *testing.T) { test(t, version) })
	}
}

// rig is an endpoint with a core in memory. The token "ada" is of the user Ada, "charles" of another one with the same
// client.
type rig struct {
	core     *verifiertest.Client
	endpoint *mcp.Endpoint
	config   mcp.Config
	now      func() time.Time
	mcp      *server.MCPServer
	seen     seen
	sessions atomic.Int64
	// What a test wants to happen while a request is being served.
	onHold, onInitialize func()
}

// seen is what has reached a tool.
type seen struct {
	mu      sync.Mutex
	headers []http.Header
}

func (s *seen) add(h http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.headers = append(s.headers, h)
}

func (s *seen) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.headers)
}

func newRig(t testing.TB, change ...func(*mcp.Config)) *rig {
	t.Helper()
	r := &rig{
		core:   verifiertest.NewClient(time.Now),
		config: mcp.Config{ResourceURL: resource, AllowedOrigins: []string{"https://app.example.org"}},
		now:    time.Now,

		onInitialize: func() {},
	}
	r.mcp = r.server()
	r.core.Issue("ada", token("ada"))
	r.core.Issue("charles", token("charles"))
	for _, c := range change {
		c(&r.config)
	}
	r.build(t)
	return r
}

// build makes the endpoint. A test that has changed what it is made of calls it again.
func (r *rig) build(t testing.TB) {
	t.Helper()
	tokens := verifier.New(r.core, verifier.Config{
		Resource: resource, RequiredScopes: []string{"mcp"}, MetadataURL: metadataURL,
	}, verifier.WithWatchInterval(time.Second))
	endpoint, err := mcp.New(mcp.Deps{Verifier: tokens, Server: r.mcp, Now: r.now}, r.config)
	if err != nil {
		t.Fatal(err)
	}
	r.endpoint = endpoint
}

// registered is how many sessions mcp-go holds.
func (r *rig) registered() int64 { return r.sessions.Load() }

func token(name string) verifiertest.Token {
	return verifiertest.Token{
		Resource: resource, Subject: "sub-" + name, ClientID: "client-1", GrantID: "grant-" + name,
		Scopes: []string{"mcp"}, ExpireTime: time.Now().Add(time.Hour),
		Identity: &gatehousev1.Identity{GivenName: name, FamilyName: "of London", Email: name + "@example.com"},
	}
}

// server has, beside what the sample server has, a tool "look" that tells who calls, "hold" that runs a function of the
// test and tells whether it was cancelled meanwhile, and "wait" that runs until it is cancelled.
func (r *rig) server() *server.MCPServer {
	hooks := &server.Hooks{}
	hooks.AddOnRegisterSession(func(context.Context, server.ClientSession) { r.sessions.Add(1) })
	hooks.AddOnUnregisterSession(func(context.Context, server.ClientSession) { r.sessions.Add(-1) })
	hooks.AddBeforeInitialize(func(context.Context, any, *mcpgo.InitializeRequest) { r.onInitialize() })
	s := server.NewMCPServer("Sample", "1.2.3", server.WithToolCapabilities(true), server.WithLogging(), server.WithHooks(hooks))
	add := func(name string, run func(ctx context.Context, request mcpgo.CallToolRequest) string) {
		s.AddTool(mcpgo.NewTool(name), func(ctx context.Context, request mcpgo.CallToolRequest) (*mcpgo.CallToolResult, error) {
			return mcpgo.NewToolResultText(run(ctx, request)), nil
		})
	}
	add("look", func(ctx context.Context, request mcpgo.CallToolRequest) string {
		r.seen.add(request.Header)
		caller, _ := verifier.PrincipalFrom(ctx)
		return caller.Subject()
	})
	add("hold", func(ctx context.Context, _ mcpgo.CallToolRequest) string {
		r.onHold()
		if ctx.Err() != nil {
			return "cancelled"
		}
		return "not cancelled"
	})
	add("wait", func(ctx context.Context, _ mcpgo.CallToolRequest) string {
		<-ctx.Done()
		return ""
	})
	return s
}

// peer is a client of one protocol version and one token that writes its requests by hand.
type peer struct {
	rig     *rig
	version string
	token   string
	session string
}

// connect does what a client of the version does first.
func (r *rig) connect(t testing.TB, version, token string) *peer {
	t.Helper()
	p := &peer{rig: r, version: version, token: token}
	if p.modern() {
		return p
	}
	a := p.send(t, "initialize", map[string]any{
		"protocolVersion": version, "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "test", "version": "0"},
	})
	if a.status != http.StatusOK || a.header.Get("Mcp-Session-Id") == "" {
		t.Fatalf("initialize: %d %s", a.status, a.body)
	}
	p.session = a.header.Get("Mcp-Session-Id")
	if a := p.notify(t, "notifications/initialized", nil); a.status != http.StatusAccepted {
		t.Fatalf("initialized: %d %s", a.status, a.body)
	}
	return p
}

func (p *peer) modern() bool { return mcpgo.IsModernProtocol(p.version) }

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// rpcError is the code of an answer that is an error, and says that it is JSON.
func (a answer) rpcError() int {
	if a.header.Get("Content-Type") != "application/json" {
		return 0
	}
	var message struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal([]byte(a.body), &message)
	return message.Error.Code
}

func (p *peer) send(t testing.TB, method string, params map[string]any, change ...func(*http.Request)) answer {
	t.Helper()
	return p.do(p.request(t, 1, method, params), change...)
}

func (p *peer) notify(t testing.TB, method string, params map[string]any, change ...func(*http.Request)) answer {
	t.Helper()
	return p.do(p.request(t, nil, method, params), change...)
}

func (p *peer) do(r *http.Request, change ...func(*http.Request)) answer {
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	p.rig.endpoint.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// request is what a client of the version sends.
func (p *peer) request(t testing.TB, id any, method string, params map[string]any) *http.Request {
	t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	message := map[string]any{"jsonrpc": "2.0", "method": method, "params": params}
	if id != nil {
		message["id"] = id
	}
	if p.modern() {
		params["_meta"] = map[string]any{
			mcpgo.MetaKeyProtocolVersion: p.version, mcpgo.MetaKeyClientCapabilities: map[string]any{},
		}
	}
	body, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	r := p.raw(http.MethodPost, body)
	if p.modern() {
		raw, _ := json.Marshal(params)
		for name, value := range mcpgo.StandardHeaders(p.version, mcpgo.MCPMethod(method), raw) {
			r.Header.Set(name, value)
		}
	}
	return r
}

// raw is a request of the version with any method and body.
func (p *peer) raw(method string, body []byte) *http.Request {
	r := httptest.NewRequest(method, resource, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	if p.session != "" {
		r.Header.Set("Mcp-Session-Id", p.session)
	}
	// Older clients do not know the header.
	if p.version >= mcpgo.ProtocolVersion20250618 {
		r.Header.Set("Mcp-Protocol-Version", p.version)
	}
	return r
}

func setHeader(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func setBody(body string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(body))
		r.ContentLength = int64(len(body))
	}
}

// look calls the tool that tells who calls.
func (p *peer) look(t testing.TB, change ...func(*http.Request)) answer {
	t.Helper()
	return p.send(t, "tools/call", map[string]any{"name": "look", "arguments": map[string]any{}}, change...)
}
