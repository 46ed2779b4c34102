package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBrowserClientsMayAskAndRead(t *testing.T) {
	g := newRig(t, nil)
	for path, methods := range map[string]string{
		"/token": "POST", "/register": "POST", "/revoke": "POST", "/.well-known/jwks.json": "GET, HEAD",
		"/.well-known/oauth-protected-resource/mcp": "GET, HEAD", "/.well-known/oauth-authorization-server": "GET, HEAD",
	} {
		w := g.do("OPTIONS", path, "", "Origin", "https://app.test", "Access-Control-Request-Method", "POST", "Cookie", "a=b")
		want := http.Header{
			"Access-Control-Allow-Origin":   {"*"},
			"Access-Control-Expose-Headers": {"WWW-Authenticate, Retry-After"},
			"Access-Control-Allow-Methods":  {methods},
			"Access-Control-Allow-Headers":  {"Authorization, Content-Type, MCP-Protocol-Version"},
			"Access-Control-Max-Age":        {"600"},
			"Allow":                         {methods + ", OPTIONS"},
			"Cache-Control":                 {"no-store"},
			"Pragma":                        {"no-cache"},
		}
		if d := cmp.Diff(want, w.Header()); d != "" || w.Code != http.StatusNoContent || w.Body.Len() != 0 {
			t.Errorf("%s: %d %s", path, w.Code, d)
		}
		w = g.do("POST", path, "", "Origin", "https://app.test")
		if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: a page cannot read an error: %v", path, w.Header())
		}
	}
}

func TestPagesMayNeitherIntrospectNorLogOut(t *testing.T) {
	g := newRig(t, nil)
	for _, path := range []string{"/introspect", "/auth/backchannel-logout"} {
		preflight := g.do("OPTIONS", path, "", "Origin", "https://app.test", "Access-Control-Request-Method", "POST")
		if preflight.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: preflight %d", path, preflight.Code)
		}
		for _, w := range []*httptest.ResponseRecorder{preflight, g.post(path, "token=t&logout_token=t", "Origin", "https://app.test")} {
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s: header %s", path, name)
				}
			}
		}
	}
}

func TestOtherMethodsAreRefusedByName(t *testing.T) {
	g := newRig(t, nil)
	for path, allow := range map[string]string{
		"/token": "POST, OPTIONS", "/register": "POST, OPTIONS", "/revoke": "POST, OPTIONS",
		"/introspect": "POST", "/auth/backchannel-logout": "POST", "/.well-known/jwks.json": "GET, HEAD, OPTIONS",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"} {
			if (method == "POST") != (path[1] == '.') && method != "PUT" {
				continue
			}
			w := g.do(method, path, "", "X-Http-Method-Override", "POST")
			expect(t, w, http.StatusMethodNotAllowed, "invalid_request")
			if got := w.Header().Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow = %q", method, path, got)
			}
		}
	}
}
