package mcp_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/gatehouse-auth/gatehouse/edge/mcp"
	"github.com/gatehouse-auth/gatehouse/edge/verifier"
)

// Covers mcp-unauth-surface.
func TestNothingIsAnsweredWithoutAToken(t *testing.T) {
	r := newRig(t)
	forEveryVersion(t, func(t *testing.T, version string) {
		p := &peer{rig: r, version: version, session: "some-session"}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
			for name, body := range map[string]string{"nothing": "", "no JSON": "}", "a batch": "[]", "too much": strings.Repeat(" ", 5<<20)} {
				a := p.do(p.raw(method, []byte(body)))
				if a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") != challenge || a.body != "" {
					t.Errorf("%s with %s: %d %q %s", method, name, a.status, a.header.Get("WWW-Authenticate"), a.body)
				}
			}
		}
		for _, rpc := range []string{
			"initialize", "server/discover", "ping", "tools/list", "tools/call", "resources/read", "prompts/get",
			"subscriptions/listen", "logging/setLevel", "completion/complete", "tasks/get", "no/such/method",
		} {
			a := p.send(t, rpc, map[string]any{"name": "look"})
			if a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") != challenge {
				t.Errorf("%s: %d", rpc, a.status)
			}
		}
	})
	if r.seen.calls() > 0 || r.core.Calls() > 0 {
		t.Errorf("%d calls of a tool, %d of the core", r.seen.calls(), r.core.Calls())
	}
}

// Covers mcp-origin.
func TestForeignHostsAndOriginsAreRefusedWithAGoodTokenToo(t *testing.T) {
	r := newRig(t)
	forEveryVersion(t, func(t *testing.T, version string) {
		p := r.connect(t, version, "ada")
		tests := map[string]struct {
			change func(*http.Request)
			want   int
		}{
			"foreign host":             {func(r *http.Request) { r.Host = "evil.example" }, 421},
			"own name, other port":     {func(r *http.Request) { r.Host = "localhost:8001" }, 421},
			"another loopback name":    {func(r *http.Request) { r.Host = "127.0.0.1:8000" }, 200},
			"forwarded host":           {setHeader("X-Forwarded-Host", "evil.example"), 200},
			"foreign origin":           {setHeader("Origin", "https://evil.example"), 403},
			"null":                     {setHeader("Origin", "null"), 403},
			"another port":             {setHeader("Origin", "http://localhost:3000"), 403},
			"another scheme":           {setHeader("Origin", "https://localhost:8000"), 403},
			"suffix":                   {setHeader("Origin", "http://localhost:8000.evil.example"), 403},
			"upper case":               {setHeader("Origin", "HTTP://EVIL.EXAMPLE"), 403},
			"own origin":               {setHeader("Origin", "http://localhost:8000"), 200},
			"accepted origin":          {setHeader("Origin", "https://app.example.org"), 200},
			"accepted, with a suffix":  {setHeader("Origin", "https://app.example.org.evil.example"), 403},
			"two origins":              {func(r *http.Request) { r.Header["Origin"] = []string{"http://localhost:8000", "https://evil.example"} }, 403},
			"foreign, without a token": {func(r *http.Request) { r.Header.Set("Origin", "null"); r.Header.Del("Authorization") }, 403},
		}
		for name, tt := range tests {
			before := r.seen.calls()
			a := p.look(t, tt.change)
			if a.status != tt.want {
				t.Errorf("%s: %d, want %d", name, a.status, tt.want)
			}
			if ran := r.seen.calls() > before; ran != (tt.want == 200) {
				t.Errorf("%s: the tool ran: %v", name, ran)
			}
			for _, method := range []string{"GET", "HEAD", "DELETE", "OPTIONS"} {
				if tt.want != 200 {
					if a := p.do(p.raw(method, nil), tt.change); a.status != tt.want {
						t.Errorf("%s, %s: %d, want %d", method, name, a.status, tt.want)
					}
				}
			}
		}
	})
}

func TestABrowserCanReadTheChallengeAndTheSession(t *testing.T) {
	r := newRig(t)
	forEveryVersion(t, func(t *testing.T, version string) {
		p := &peer{rig: r, version: version}
		preflight := p.do(p.raw(http.MethodOptions, nil), setHeader("Origin", "https://app.example.org"),
			setHeader("Access-Control-Request-Method", "POST"),
			setHeader("Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version"))
		if preflight.status != http.StatusNoContent ||
			preflight.header.Get("Access-Control-Allow-Headers") != "authorization, content-type, mcp-protocol-version" {
			t.Errorf("preflight: %d %v", preflight.status, preflight.header)
		}
		refused := p.send(t, "tools/list", nil, setHeader("Origin", "https://app.example.org"))
		exposed := refused.header.Get("Access-Control-Expose-Headers")
		if refused.status != http.StatusUnauthorized || !strings.Contains(exposed, "WWW-Authenticate") || !strings.Contains(exposed, "Mcp-Session-Id") {
			t.Errorf("401: %d %v", refused.status, refused.header)
		}
	})
}

// Covers mcp-passthrough.
func TestNoCredentialReachesATool(t *testing.T) {
	r := newRig(t)
	forEveryVersion(t, func(t *testing.T, version string) {
		a := r.connect(t, version, "ada").look(t,
			setHeader("Cookie", "session=s3cret"), setHeader("Proxy-Authorization", "Basic s3cret"), setHeader("X-Other", "kept"))
		if a.status != http.StatusOK || !strings.Contains(a.body, "sub-ada") {
			t.Fatalf("%d %s", a.status, a.body)
		}
	})
	for _, header := range r.seen.headers {
		text := fmt.Sprint(header)
		if strings.Contains(text, "Bearer") || strings.Contains(text, "s3cret") || header.Get("X-Other") != "kept" {
			t.Errorf("a tool sees %v", header)
		}
	}
}

// Covers mcp-header-mismatch.
func TestARequestThatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	r := newRig(t)
	add := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Add(name, value) }
	}
	call := func(envelope string) func(*http.Request) {
		return setBody(`{"jsonrpc":"2.0","id":1,` + envelope + `}`)
	}
	forEveryVersion(t, func(t *testing.T, version string) {
		p := r.connect(t, version, "ada")
		before := r.seen.calls()
		tests := map[string]struct {
			change func(*http.Request)
			status int
			code   int
		}{
			"header names another method": {setHeader("Mcp-Method", "tools/list"), 400, mcpgo.HEADER_MISMATCH},
			"method header in two cases":  {setHeader("Mcp-Method", "Tools/Call"), 400, mcpgo.HEADER_MISMATCH},
			"two method headers":          {func(r *http.Request) { r.Header["Mcp-Method"] = []string{"tools/call", "tools/list"} }, 400, mcpgo.HEADER_MISMATCH},
			"two name headers":            {func(r *http.Request) { r.Header["Mcp-Name"] = []string{"look", "greet"} }, 400, mcpgo.HEADER_MISMATCH},
			"two version headers":         {func(r *http.Request) { r.Header["Mcp-Protocol-Version"] = []string{version, "2025-03-26"} }, 400, mcpgo.HEADER_MISMATCH},
			"two sessions":                {func(r *http.Request) { r.Header["Mcp-Session-Id"] = []string{p.session, "other"} }, 400, mcpgo.HEADER_MISMATCH},
			"two types":                   {add("Content-Type", "text/plain"), 400, mcpgo.HEADER_MISMATCH},
			"method twice":                {call(`"method":"tools/list","method":"tools/call","params":{"name":"look"}`), 400, mcpgo.INVALID_REQUEST},
			"method in two cases":         {call(`"method":"tools/list","Method":"tools/call","params":{"name":"look"}`), 400, mcpgo.INVALID_REQUEST},
			"method in another case":      {call(`"METHOD":"tools/call","params":{"name":"look"}`), 400, mcpgo.INVALID_REQUEST},
			"name twice":                  {call(`"method":"tools/call","params":{"name":"greet","name":"look"}`), 400, mcpgo.INVALID_REQUEST},
			"batch":                       {setBody(`[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look"}}]`), 400, mcpgo.INVALID_REQUEST},
			"text/plain":                  {setHeader("Content-Type", "text/plain"), 415, mcpgo.INVALID_REQUEST},
			"form":                        {setHeader("Content-Type", "application/x-www-form-urlencoded"), 415, mcpgo.INVALID_REQUEST},
			"no type":                     {func(r *http.Request) { r.Header.Del("Content-Type") }, 415, mcpgo.INVALID_REQUEST},
			"JSON in another charset":     {setHeader("Content-Type", "application/json; charset=utf-16"), 415, mcpgo.INVALID_REQUEST},
			"compressed":                  {setHeader("Content-Encoding", "gzip"), 415, mcpgo.INVALID_REQUEST},
		}
		for name, tt := range tests {
			if a := p.look(t, tt.change); a.status != tt.status || a.rpcError() != tt.code {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		if ran := r.seen.calls() - before; ran > 0 {
			t.Errorf("a tool ran %d times", ran)
		}
		if a := p.look(t, setHeader("Content-Type", `application/json; charset="UTF-8"`)); a.status != http.StatusOK {
			t.Errorf("JSON that names its charset: %d", a.status)
		}
	})
}

// Covers mcp-header-mismatch for what only 2026-07-28 has.
func TestModernHeadersMustAgreeWithTheBody(t *testing.T) {
	r := newRig(t)
	p := r.connect(t, mcpgo.ProtocolVersion20260728, "ada")
	for name, change := range map[string]func(*http.Request){
		"another tool":       setHeader("Mcp-Name", "greet"),
		"no tool":            func(r *http.Request) { r.Header.Del("Mcp-Name") },
		"no method":          func(r *http.Request) { r.Header.Del("Mcp-Method") },
		"an older version":   setHeader("Mcp-Protocol-Version", "2025-11-25"),
		"no version":         func(r *http.Request) { r.Header.Del("Mcp-Protocol-Version") },
		"a version to come":  setHeader("Mcp-Protocol-Version", "2030-01-01"),
		"version in letters": setHeader("Mcp-Protocol-Version", "latest"),
	} {
		if a := p.look(t, change); a.status != http.StatusBadRequest || a.rpcError() != mcpgo.HEADER_MISMATCH {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if r.seen.calls() > 0 {
		t.Error("a tool ran")
	}
	if a := p.look(t, setHeader("Last-Event-ID", "7")); a.status != http.StatusOK {
		t.Errorf("Last-Event-ID is to be ignored: %d %s", a.status, a.body)
	}
}

// Covers mcp-version-downgrade.
func TestAVersionThatDoesNotExistIsRefused(t *testing.T) {
	r := newRig(t)
	forEveryVersion(t, func(t *testing.T, version string) {
		p := r.connect(t, version, "ada")
		for _, unknown := range []string{"2024-01-01", "2025-06-19", "1", "latest", "2025-06-18, 2025-11-25"} {
			if a := p.look(t, setHeader("Mcp-Protocol-Version", unknown)); a.status != http.StatusBadRequest {
				t.Errorf("%q: %d %s", unknown, a.status, a.body)
			}
		}
	})
	if r.seen.calls() > 0 {
		t.Error("a tool ran")
	}
}

// Covers mcp-body-limits.
func TestABodyIsBounded(t *testing.T) {
	r := newRig(t, func(c *mcp.Config) { c.MaxBodyBytes = 1 << 10 })
	padded := func(size int) string {
		const frame = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look","arguments":{"a":""}}}`
		return strings.Replace(frame, `""`, `"`+strings.Repeat("x", size-len(frame))+`"`, 1)
	}
	unannounced := func(body string) func(*http.Request) {
		return func(r *http.Request) { setBody(body)(r); r.ContentLength = -1 }
	}
	deep := setBody(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look","arguments":{"a":` +
		strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}}`)
	forEveryVersion(t, func(t *testing.T, version string) {
		p := r.connect(t, version, "ada")
		before := r.seen.calls()
		for name, tt := range map[string]struct {
			change func(*http.Request)
			want   int
		}{
			"one byte too large":         {setBody(padded(1<<10 + 1)), 413},
			"the same, unannounced":      {unannounced(padded(1<<10 + 1)), 413},
			"large and not even JSON":    {func(r *http.Request) { setBody(padded(1 << 20))(r); r.Header.Set("Content-Type", "text/plain") }, 413},
			"announced and never coming": {func(r *http.Request) { r.ContentLength = 1 << 40 }, 413},
			"too deep":                   {deep, 400},
			"cut off":                    {func(r *http.Request) { r.Body = io.NopCloser(&broken{}) }, 408},
		} {
			if a := p.look(t, tt.change); a.status != tt.want {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		if r.seen.calls() > before {
			t.Error("a tool ran")
		}
		if !p.modern() {
			if a := p.look(t, setBody(padded(1<<10))); a.status != http.StatusOK {
				t.Errorf("as large as is allowed: %d %s", a.status, a.body)
			}
		}
	})
}

// broken is a body that ends before its end.
type broken struct{}

func (*broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestOtherMethodsAreNotAllowed(t *testing.T) {
	r := newRig(t)
	forEveryVersion(t, func(t *testing.T, version string) {
		p := r.connect(t, version, "ada")
		allow := "POST, DELETE"
		methods := []string{"GET", "HEAD", "PUT", "PATCH", "OPTIONS"}
		if p.modern() {
			allow = "POST"
			methods = append(methods, "DELETE")
		}
		for _, method := range methods {
			a := p.do(p.raw(method, nil), setHeader("Accept", "text/event-stream"), setHeader("Last-Event-ID", "1"))
			if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != allow {
				t.Errorf("%s: %d, Allow %q", method, a.status, a.header.Get("Allow"))
			}
		}
	})
}

func TestPingIsAnsweredInEveryVersion(t *testing.T) {
	r := newRig(t)
	forEveryVersion(t, func(t *testing.T, version string) {
		p := r.connect(t, version, "ada")
		a := p.send(t, "ping", nil)
		if a.status != http.StatusOK || !strings.Contains(a.body, `"result"`) || !strings.Contains(a.body, `"id":1`) {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := p.do(p.request(t, `a"b`, "ping", nil)); !strings.Contains(a.body, `"id":"a\"b"`) {
			t.Errorf("the identifier changed: %s", a.body)
		}
	})
}

func TestPingNeedsNoSession(t *testing.T) {
	r := newRig(t)
	forEverySessionVersion(t, func(t *testing.T, version string) {
		p := &peer{rig: r, version: version, token: "ada"}
		if a := p.send(t, "ping", nil); a.status != http.StatusOK || !strings.Contains(a.body, `"result":{}`) {
			t.Errorf("before initialize: %d %s", a.status, a.body)
		}
		if a := p.send(t, "tools/list", nil); a.status != http.StatusBadRequest {
			t.Errorf("anything else: %d %s", a.status, a.body)
		}
	})
}

func TestWhatDoesNotExistIsNotFoundBehindTheGate(t *testing.T) {
	r := newRig(t)
	forEveryVersion(t, func(t *testing.T, version string) {
		a := r.connect(t, version, "ada").send(t, "no/such/method", nil)
		if a.rpcError() != mcpgo.METHOD_NOT_FOUND {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestAnEndpointNeedsAVerifierAServerAndAURL(t *testing.T) {
	r := newRig(t)
	tokens := verifier.New(r.core, verifier.Config{Resource: resource})
	complete := mcp.Deps{Verifier: tokens, Server: r.server()}
	if _, err := mcp.New(complete, mcp.Config{ResourceURL: resource}); err != nil {
		t.Error(err)
	}
	for name, tt := range map[string]struct {
		deps   mcp.Deps
		config mcp.Config
	}{
		"no verifier": {mcp.Deps{Server: r.server()}, mcp.Config{ResourceURL: resource}},
		"no server":   {mcp.Deps{Verifier: tokens}, mcp.Config{ResourceURL: resource}},
		"no URL":      {mcp.Deps{Verifier: verifier.New(r.core, verifier.Config{}), Server: r.server()}, mcp.Config{}},
		"another URL": {complete, mcp.Config{ResourceURL: resource + "/"}},
		"any origin":  {complete, mcp.Config{ResourceURL: resource, AllowedOrigins: []string{"*"}}},
	} {
		if _, err := mcp.New(tt.deps, tt.config); err == nil {
			t.Error(name)
		}
	}
}
