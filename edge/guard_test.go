package edge

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestForeignHostGetsNothing(t *testing.T) {
	g := newRig(t, func(c *Config) { c.AllowedHosts = []string{"gate.internal:8443"} })
	for _, tc := range []struct {
		host   string
		status int
	}{
		{"127.0.0.1:8000", 200},
		{"localhost:8000", 200},
		{"LOCALHOST:8000", 200},
		{"[::1]:8000", 200},
		{"gate.internal:8443", 200},
		{"GATE.internal:8443", 200},
		{"", 421},
		{"127.0.0.1", 421},
		{"127.0.0.1:80", 421},
		{"127.0.0.1:8001", 421},
		{"127.0.0.1:8000.evil.test", 421},
		{"127.0.0.1.evil.test:8000", 421},
		{"localhost.:8000", 421},
		{"evil.test", 421},
		{"127.0.0.1:8000@evil.test", 421},
		{"evil.test@127.0.0.1:8000", 421},
		{"127.0.0.1:8000, evil.test", 421},
		{"127.0.0.1:8000/", 421},
		{"127.1:8000", 421},
		{"gate.internal", 421},
		{"http://127.0.0.1:8000", 421},
	} {
		for _, path := range []string{"/", "/.well-known/jwks.json"} {
			if w := g.do("GET", path, "Host", tc.host); w.Code != tc.status {
				t.Errorf("GET %s with Host %q: %d, want %d", path, tc.host, w.Code, tc.status)
			}
		}
		if w := g.do("GET", "/healthz", "Host", tc.host); w.Code != 200 {
			t.Errorf("probe with Host %q: %d", tc.host, w.Code)
		}
	}
}

func TestHostsOfAnIssuerOnTheDefaultPort(t *testing.T) {
	g := newRig(t, func(c *Config) { c.Issuer, c.Resource = "https://gate.test", "https://gate.test/mcp" })
	for host, status := range map[string]int{
		"gate.test": 200, "gate.test:443": 200, "gate.test:80": 421, "gate.test:8443": 421, "localhost": 421, "127.0.0.1:443": 421,
	} {
		w := g.do("GET", "/", "Host", host)
		if w.Code != status {
			t.Errorf("Host %q: %d, want %d", host, w.Code, status)
		}
		if w.Header().Get("Strict-Transport-Security") == "" {
			t.Errorf("Host %q: no Strict-Transport-Security", host)
		}
	}
	if newRig(t).do("GET", "/").Header().Get("Strict-Transport-Security") != "" {
		t.Error("Strict-Transport-Security over http")
	}
}

// originHeaders are what proxies use to tell the original request. No proxy is trusted with that here.
func originHeaders() map[string]string {
	return map[string]string{
		"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "evil", "X-Forwarded-Prefix": "/evil", "X-Forwarded-Port": "666",
		"X-Forwarded-Uri": "/evil", "X-Forwarded-Server": "evil.test", "Forwarded": "host=evil.test;proto=evil", "X-Host": "evil.test",
		"X-Original-Host": "evil.test", "X-Rewrite-Url": "/evil", "X-Original-Url": "/evil", "X-Http-Method-Override": "DELETE",
		"X-Original-Uri": "/evil", "Via": "1.1 evil.test", "Referer": "http://evil.test/evil", "X-Request-Id": "evil",
	}
}

func TestNoHeaderChangesWhatAnAnswerSays(t *testing.T) {
	g := newRig(t)
	for _, path := range []string{
		"/", "/mcp", "/token", "/authorize", "/.well-known/oauth-authorization-server",
		"/.well-known/oauth-protected-resource/mcp", "/unknown", "/readyz",
	} {
		want := g.do("GET", path)
		for name, value := range originHeaders() {
			got := g.do("GET", path, name, value)
			if got.Code != want.Code || got.Body.String() != want.Body.String() || fmt.Sprint(got.Header()) != fmt.Sprint(want.Header()) {
				t.Errorf("GET %s: %s changes the answer:\n%d %v %s\n%d %v %s", path, name,
					want.Code, want.Header(), want.Body, got.Code, got.Header(), got.Body)
			}
		}
		evil := g.do("GET", path, "Host", "evil.test")
		if strings.Contains(evil.Body.String()+fmt.Sprint(evil.Header()), "evil") {
			t.Errorf("GET %s reflects a foreign host: %v %s", path, evil.Header(), evil.Body)
		}
	}
}

func TestEarlyDataIsSentAgain(t *testing.T) {
	g := newRig(t)
	for _, tc := range []struct {
		method, path, value string
		early               bool
	}{
		{"POST", "/token", "1", true},
		{"POST", "/mcp", "1", true},
		{"GET", "/auth/callback?state=s&code=c", "1", true},
		{"GET", "/authorize", "1", true},
		{"GET", "/", "1", true},
		{"POST", "/token", "0", false},
		{"POST", "/token", "", false},
	} {
		if w := g.do(tc.method, tc.path, "Early-Data", tc.value); (w.Code == 425) != tc.early {
			t.Errorf("%s %s with Early-Data %q: %d", tc.method, tc.path, tc.value, w.Code)
		}
	}
}

// TestOddRequestsOnTheWire sends what net/http would not.
func TestOddRequestsOnTheWire(t *testing.T) {
	g := newRig(t)
	listener := httptest.NewUnstartedServer(nil).Listener
	server := newServer(g, discard(), nobody)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	host := "Host: 127.0.0.1:8000\r\n"
	for name, tc := range map[string]struct {
		request string
		status  int
	}{
		"two hosts":                      {"GET / HTTP/1.1\r\n" + host + "Host: evil.test\r\n\r\n", 400},
		"no host":                        {"GET / HTTP/1.1\r\n\r\n", 400},
		"no host, HTTP/1.0":              {"GET / HTTP/1.0\r\n\r\n", 421},
		"absolute target":                {"GET http://evil.test/ HTTP/1.1\r\n" + host + "\r\n", 421},
		"absolute target, our own":       {"GET http://127.0.0.1:8000/ HTTP/1.1\r\n" + host + "\r\n", 200},
		"absolute target of the probe":   {"GET http://evil.test/healthz HTTP/1.1\r\n" + host + "\r\n", 200},
		"authority target":               {"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n", 421},
		"authority target, our own":      {"CONNECT 127.0.0.1:8000 HTTP/1.1\r\n" + host + "\r\n", 405},
		"asterisk target":                {"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 404},
		"asterisk target, foreign":       {"OPTIONS * HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421},
		"dot segments":                   {"GET /x/../mcp HTTP/1.1\r\n" + host + "\r\n", 404},
		"encoded dot segments":           {"GET /x/%2e%2e/mcp HTTP/1.1\r\n" + host + "\r\n", 404},
		"empty segment":                  {"GET //mcp HTTP/1.1\r\n" + host + "\r\n", 404},
		"encoded slash":                  {"GET /.well-known%2fjwks.json HTTP/1.1\r\n" + host + "\r\n", 404},
		"encoded letter":                 {"GET /%6dcp HTTP/1.1\r\n" + host + "\r\n", 404},
		"backslash":                      {"GET /x\\..\\mcp HTTP/1.1\r\n" + host + "\r\n", 404},
		"NUL":                            {"GET /mcp%00 HTTP/1.1\r\n" + host + "\r\n", 404},
		"path parameter":                 {"GET /mcp;x=y HTTP/1.1\r\n" + host + "\r\n", 404},
		"other case":                     {"GET /MCP HTTP/1.1\r\n" + host + "\r\n", 404},
		"long URL":                       {"GET /?" + strings.Repeat("a", 9000) + " HTTP/1.1\r\n" + host + "\r\n", 414},
		"long header":                    {"GET / HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", 40<<10) + "\r\n\r\n", 431},
		"HTTP/2 without TLS":             {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 421},
		"unknown coding":                 {"POST /token HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501},
		"made-up method":                 {"BREW /mcp HTTP/1.1\r\n" + host + "\r\n", 405},
		"subtree without its slash":      {"GET /assets HTTP/1.1\r\n" + host + "\r\n", 404},
		"folder of documents":            {"GET /.well-known HTTP/1.1\r\n" + host + "\r\n", 404},
		"upgrade to HTTP/2 is not heard": {"GET /healthz HTTP/1.1\r\n" + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", 200},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write([]byte(tc.request)); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != tc.status || res.Header.Get("Location") != "" {
				t.Errorf("status = %d, want %d; %v", res.StatusCode, tc.status, res.Header)
			}
		})
	}
}

func FuzzGuard(f *testing.F) {
	for _, target := range []string{"/", "/mcp", "//mcp", "/mcp/", "/a/../mcp", "/assets", "/%2e", "/mcp;a", "*", "/.well-known/x"} {
		f.Add("GET", target, "127.0.0.1:8000")
	}
	f.Add("CONNECT", "evil.test:443", "evil.test:443")
	g := newRig(f)
	f.Fuzz(func(t *testing.T, method, target, host string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || method == "" {
			return
		}
		r := &http.Request{Method: method, URL: u, Host: host, Header: http.Header{}, Body: http.NoBody, RemoteAddr: "192.0.2.1:1"}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code == 301 || w.Code == 307 || w.Code == 308 {
			t.Errorf("redirected with %d to %q", w.Code, w.Header().Get("Location"))
		}
		if !isRigHost(host) && w.Code == 200 && u.Path != "/healthz" && u.Path != "/readyz" {
			t.Errorf("host %q is answered", host)
		}
	})
}

// isRigHost says independently of the guard which hosts the rig has.
func isRigHost(host string) bool {
	switch strings.ToLower(host) {
	case "127.0.0.1:8000", "localhost:8000", "[::1]:8000":
		return true
	}
	return false
}
