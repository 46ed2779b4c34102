package origin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-auth/gatehouse/edge/mcp/origin"
)

// ask sends one request through a gate and returns the answer; the handler behind it answers 200.
func ask(t *testing.T, config origin.Config, method, host string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	gate, err := origin.New(config)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, "/mcp", nil)
	r.Host = host
	r.Header = header
	w := httptest.NewRecorder()
	gate.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	})).ServeHTTP(w, r)
	return w
}

func from(origins ...string) http.Header { return http.Header{"Origin": origins} }

// Covers mcp-origin.
func TestOnlyTheEndpointsOwnHostIsAnswered(t *testing.T) {
	public := origin.Config{URL: "https://mcp.example.com/mcp"}
	odd := origin.Config{URL: "https://mcp.example.com:8443/mcp", Hosts: []string{"Backend:8000"}}
	local := origin.Config{URL: "http://localhost:8000/mcp"}
	v6 := origin.Config{URL: "http://[::1]/mcp"}
	tests := []struct {
		config origin.Config
		host   string
		want   int
	}{
		{public, "mcp.example.com", 200},
		{public, "MCP.Example.com", 200},
		{public, "mcp.example.com:443", 200},
		{public, "mcp.example.com:80", 421},
		{public, "mcp.example.com:8443", 421},
		{public, "mcp.example.com.", 421},
		{public, "evil.example", 421},
		{public, "mcp.example.com.evil.example", 421},
		{public, "evil-mcp.example.com", 421},
		{public, "localhost", 421},
		{public, "127.0.0.1:8000", 421},
		{public, "", 421},
		{odd, "mcp.example.com:8443", 200},
		{odd, "mcp.example.com", 421},
		{odd, "backend:8000", 200},
		{odd, "backend", 421},
		{local, "localhost:8000", 200},
		{local, "127.0.0.1:8000", 200},
		{local, "[::1]:8000", 200},
		{local, "localhost:8001", 421},
		{local, "localhost", 421},
		{local, "127.0.0.2:8000", 421},
		{local, "localhost.evil.example:8000", 421},
		{v6, "[::1]", 200},
		{v6, "[::1]:80", 200},
	}
	for _, tt := range tests {
		if got := ask(t, tt.config, http.MethodPost, tt.host, nil).Code; got != tt.want {
			t.Errorf("%s with Host %q: %d, want %d", tt.config.URL, tt.host, got, tt.want)
		}
	}
}

// Covers mcp-origin.
func TestOnlyAcceptedOriginsAreAnswered(t *testing.T) {
	public := origin.Config{
		URL:            "https://mcp.example.com/mcp",
		AllowedOrigins: []string{"https://app.example.org", "vscode-webview://panel"},
	}
	local := origin.Config{URL: "http://localhost:8000/mcp"}
	development := origin.Config{URL: "http://localhost:8000/mcp", AllowLoopback: true}
	tests := []struct {
		config origin.Config
		host   string
		origin http.Header
		want   int
	}{
		{public, "mcp.example.com", nil, 200},
		{public, "mcp.example.com", from("https://mcp.example.com"), 200},
		{public, "mcp.example.com", from("https://app.example.org"), 200},
		{public, "mcp.example.com", from("vscode-webview://panel"), 200},
		{public, "mcp.example.com", from("http://mcp.example.com"), 403},
		{public, "mcp.example.com", from("https://mcp.example.com:8443"), 403},
		{public, "mcp.example.com", from("https://mcp.example.com/"), 403},
		{public, "mcp.example.com", from("HTTPS://MCP.EXAMPLE.COM"), 403},
		{public, "mcp.example.com", from("https://mcp.example.com.evil.example"), 403},
		{public, "mcp.example.com", from("https://evil.example"), 403},
		{public, "mcp.example.com", from("null"), 403},
		{public, "mcp.example.com", from(""), 403},
		{public, "mcp.example.com", from("*"), 403},
		{public, "mcp.example.com", from("https://mcp.example.com", "https://evil.example"), 403},
		{public, "mcp.example.com", from("https://mcp.example.com, https://evil.example"), 403},
		{public, "mcp.example.com", from("http://localhost:3000"), 403},
		{local, "127.0.0.1:8000", from("http://localhost:8000"), 200},
		{local, "localhost:8000", from("http://[::1]:8000"), 200},
		{local, "localhost:8000", from("http://localhost:3000"), 403},
		{development, "localhost:8000", from("http://localhost:3000"), 200},
		{development, "localhost:8000", from("https://127.0.0.1:6274"), 200},
		{development, "localhost:8000", from("http://[::1]:1"), 200},
		{development, "localhost:8000", from("http://localhost.evil.example"), 403},
		{development, "localhost:8000", from("http://localhost@evil.example"), 403},
		{development, "localhost:8000", from("http://localhost:3000/"), 403},
		{development, "localhost:8000", from("file://localhost"), 403},
		{development, "localhost:8000", from("null"), 403},
	}
	for _, tt := range tests {
		w := ask(t, tt.config, http.MethodPost, tt.host, tt.origin)
		if w.Code != tt.want {
			t.Errorf("%s with Origin %q: %d, want %d", tt.config.URL, tt.origin, w.Code, tt.want)
		}
		shared := w.Header().Get("Access-Control-Allow-Origin")
		if w.Code != 200 && shared != "" {
			t.Errorf("%s with Origin %q: the refusal is shared with %q", tt.config.URL, tt.origin, shared)
		}
		if w.Code == 200 && shared != tt.origin.Get("Origin") {
			t.Errorf("%s with Origin %q: shared with %q", tt.config.URL, tt.origin, shared)
		}
	}
}

func TestPreflightAllowsWhatMCPNeeds(t *testing.T) {
	config := origin.Config{URL: "https://mcp.example.com/mcp", AllowedOrigins: []string{"https://app.example.org"}}
	header := from("https://app.example.org")
	header.Set("Access-Control-Request-Method", "POST")
	header.Set("Access-Control-Request-Headers", "authorization, Content-Type,mcp-session-id,mcp-param-region,x-evil,mcp-param-\"")
	w := ask(t, config, http.MethodOptions, "mcp.example.com", header)

	want := map[string]string{
		"Access-Control-Allow-Origin":   "https://app.example.org",
		"Access-Control-Allow-Methods":  "POST, GET, DELETE",
		"Access-Control-Allow-Headers":  "authorization, content-type, mcp-session-id, mcp-param-region",
		"Access-Control-Expose-Headers": "Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate, Retry-After",
		// A page must set the token itself. The browser adds nothing.
		"Access-Control-Allow-Credentials": "",
	}
	if w.Code != http.StatusNoContent {
		t.Errorf("status %d", w.Code)
	}
	for name, value := range want {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

func TestPreflightOfAForeignOriginIsRefused(t *testing.T) {
	header := from("https://evil.example")
	header.Set("Access-Control-Request-Method", "POST")
	w := ask(t, origin.Config{URL: "https://mcp.example.com/mcp"}, http.MethodOptions, "mcp.example.com", header)
	if w.Code != http.StatusForbidden || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
}

func TestOptionsThatIsNoPreflightGoesThrough(t *testing.T) {
	w := ask(t, origin.Config{URL: "https://mcp.example.com/mcp"}, http.MethodOptions, "mcp.example.com", nil)
	if w.Code != http.StatusOK {
		t.Errorf("status %d: the gate answered for the handler", w.Code)
	}
}

func TestConfigurationThatCannotBeMeantIsRefused(t *testing.T) {
	for _, config := range []origin.Config{
		{},
		{URL: "mcp.example.com/mcp"},
		{URL: "ftp://mcp.example.com"},
		{URL: "https://"},
		{URL: "https://mcp.example.com", AllowedOrigins: []string{"*"}},
		{URL: "https://mcp.example.com", AllowedOrigins: []string{"null"}},
		{URL: "https://mcp.example.com", AllowedOrigins: []string{"https://*"}},
		{URL: "https://mcp.example.com", AllowedOrigins: []string{"https://app.example.org/"}},
		{URL: "https://mcp.example.com", AllowedOrigins: []string{"app.example.org"}},
		{URL: "https://mcp.example.com", AllowedOrigins: []string{""}},
	} {
		if _, err := origin.New(config); err == nil {
			t.Errorf("%+v was accepted", config)
		}
	}
}

func FuzzOrigin(f *testing.F) {
	for _, seed := range []string{"https://mcp.example.com", "http://localhost:3000", "http://localhost@evil.example", "null", "http://[::1]", "http://[::01]", "http://127.1"} {
		f.Add(seed)
	}
	gate, err := origin.New(origin.Config{URL: "https://mcp.example.com/mcp", AllowLoopback: true})
	if err != nil {
		f.Fatal(err)
	}
	handler := gate.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
		r.Host = "mcp.example.com"
		r.Header["Origin"] = []string{value}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code == http.StatusOK && !accepted(value) {
			t.Fatalf("%q was let through", value)
		}
	})
}

// accepted is a second opinion, by a rougher rule.
func accepted(value string) bool {
	if value == "https://mcp.example.com" {
		return true
	}
	for _, scheme := range []string{"http://", "https://"} {
		for _, name := range []string{"localhost", "127.", "[::1", "[::0", "[0", "[::ffff:127.", "[::ffff:7f"} {
			if len(value) >= len(scheme+name) && value[:len(scheme+name)] == scheme+name {
				return true
			}
		}
	}
	return false
}
