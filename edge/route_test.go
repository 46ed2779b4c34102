package edge

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/routes.golden")

// examples has a path for each pattern that is not one itself.
func examples(pattern string) []string {
	switch pattern {
	case "/":
		return []string{"/unknown"}
	case "/{$}":
		return []string{"/"}
	case "/assets/":
		return []string{"/assets/", "/assets/style.css"}
	case "/.well-known/":
		return []string{
			"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource",
			"/.well-known/oauth-protected-resource/", "/.well-known/oauth-protected-resource/mcp",
			"/.well-known/oauth-protected-resource/other", "/.well-known/openid-configuration", "/.well-known/unknown",
		}
	default:
		return []string{pattern}
	}
}

// TestPublicRoutes walks over everything that is reachable without a token. A change of the golden file is a change of
// the public surface: look at it as such, then run the test with -update.
func TestPublicRoutes(t *testing.T) {
	g := newRig(t)
	var got strings.Builder
	for _, pattern := range patterns(t, routes(t)) {
		for _, path := range examples(pattern) {
			fmt.Fprintf(&got, "%s  (%s)\n", path, pattern)
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
				w := g.do(method, path)
				page := g.do(method, path, "Origin", "https://app.test", "Access-Control-Request-Method", "POST")
				fmt.Fprintf(&got, "  %-8s%d  type=%s cache=%s allow=%s; from a page: %d cors=%s\n", method, w.Code,
					or(w.Header().Get("Content-Type")), or(w.Header().Get("Cache-Control")), or(w.Header().Get("Allow")),
					page.Code, or(page.Header().Get("Access-Control-Allow-Origin")))
			}
		}
	}
	const golden = "testdata/routes.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Errorf("public routes changed (-golden +now):\n%s", d)
	}
}

func or(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// patterns lists what a mux routes. net/http does not tell, so this looks inside; it fails loudly when that changes.
func patterns(t *testing.T, mux *http.ServeMux) []string {
	t.Helper()
	index := reflect.ValueOf(mux).Elem().FieldByName("index")
	segments, multis := index.FieldByName("segments"), index.FieldByName("multis")
	if !segments.IsValid() || !multis.IsValid() {
		t.Fatal("http.ServeMux has changed: find its patterns anew")
	}
	seen := map[string]bool{}
	add := func(list reflect.Value) {
		for i := range list.Len() {
			seen[list.Index(i).Elem().FieldByName("str").String()] = true
		}
	}
	add(multis)
	for _, key := range segments.MapKeys() {
		add(segments.MapIndex(key))
	}
	var all []string
	for pattern := range seen {
		all = append(all, pattern)
	}
	slices.Sort(all)
	if len(all) < 10 {
		t.Fatalf("only %d patterns: %v", len(all), all)
	}
	return all
}

// everything calls f with an answer for every route and method, and for paths near them.
func everything(t *testing.T, g *rig, f func(t *testing.T, method, path string, h http.Header, status int, body string)) {
	t.Helper()
	var paths []string
	for _, pattern := range patterns(t, routes(t)) {
		for _, path := range examples(pattern) {
			paths = append(paths, path, path+"/", strings.TrimSuffix(path, "/")+"//x", path+"?code=canary&state=canary", strings.ToUpper(path), path+"%2f", path+"/..", "/x/.."+path)
		}
	}
	for _, path := range paths {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			for _, accept := range []string{"*/*", "text/html,*/*;q=0.8"} {
				w := g.do(method, path, "Accept", accept, "Origin", "https://app.test")
				f(t, method, path, w.Header(), w.Code, w.Body.String())
			}
		}
		w := g.do("POST", path, "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://app.test")
		f(t, "POST", path, w.Header(), w.Code, w.Body.String())
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	g := newRig(t)
	everything(t, g, func(t *testing.T, method, path string, h http.Header, status int, body string) {
		t.Helper()
		referrer := "no-referrer"
		if bare, _, _ := strings.Cut(path, "?"); method == "GET" && (bare == "/account" || bare == "/account/disconnect") {
			referrer = "same-origin" // their forms must carry their origin
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": referrer, "X-Frame-Options": "DENY",
		} {
			if got := h.Values(name); !slices.Equal(got, []string{want}) {
				t.Errorf("%s %s: %s = %q", method, path, name, got)
			}
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s %s: Content-Security-Policy = %q", method, path, csp)
		}
		if strings.HasPrefix(h.Get("Content-Type"), "text/html") && h.Get("Cross-Origin-Opener-Policy") == "" {
			t.Errorf("%s %s: a page without Cross-Origin-Opener-Policy", method, path)
		}
		if cache := h.Get("Cache-Control"); cache != "no-store" && !(status == 200 && isDocument(path)) {
			t.Errorf("%s %s: Cache-Control = %q at status %d", method, path, cache, status)
		}
		if h.Get("Set-Cookie") != "" && !strings.HasPrefix(path, "/auth/callback") { // which clears what it was given
			t.Errorf("%s %s: a cookie without a flow", method, path)
		}
		for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Credentials"} {
			if h.Get(name) != "" {
				t.Errorf("%s %s: header %s = %q", method, path, name, h.Get(name))
			}
		}
		if strings.Contains(body, "canary") || strings.Contains(fmt.Sprint(h), "canary") {
			t.Errorf("%s %s: the answer repeats the query: %v", method, path, h)
		}
	})
}

func isDocument(path string) bool {
	return strings.HasPrefix(path, "/.well-known/") || strings.HasPrefix(path, "/assets/")
}

func TestStatusesThatNoRouteHas(t *testing.T) {
	everything(t, newRig(t), func(t *testing.T, method, path string, h http.Header, status int, _ string) {
		t.Helper()
		switch {
		case status >= 500:
			t.Errorf("%s %s: status %d", method, path, status)
		case status == 301, status == 307, status == 308:
			t.Errorf("%s %s: redirected with %d to %s", method, path, status, h.Get("Location"))
		case status == 405 && h.Get("Allow") == "":
			t.Errorf("%s %s: 405 without Allow", method, path)
		}
	})
}

func TestOnlyTheOAuthEndpointsAreOpenToOtherOrigins(t *testing.T) {
	everything(t, newRig(t), func(t *testing.T, method, path string, h http.Header, status int, _ string) {
		t.Helper()
		origin := h.Get("Access-Control-Allow-Origin")
		if origin == "" {
			return
		}
		bare, _, _ := strings.Cut(path, "?")
		if origin != "*" || !slices.Contains([]string{"/token", "/register", "/revoke"}, bare) && !strings.HasPrefix(bare, "/.well-known/") {
			t.Errorf("%s %s: Access-Control-Allow-Origin = %q at status %d", method, path, origin, status)
		}
	})
}

func TestErrorsSpeakTheLanguageOfTheirReader(t *testing.T) {
	g := newRig(t)
	for _, tc := range []struct {
		accept, want string
	}{
		{"text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"},
		{"*/*", "application/json"},
		{"application/json, text/event-stream", "application/json"},
		{"", "application/json"},
	} {
		w := g.do("GET", "/unknown", "Accept", tc.accept)
		if got := w.Header().Get("Content-Type"); w.Code != 404 || got != tc.want {
			t.Errorf("Accept %q: %d %s, want %s", tc.accept, w.Code, got, tc.want)
		}
	}
}

func TestResourceMustNotTakeTheRouteOfAnother(t *testing.T) {
	for _, path := range []string{"/token", "/authorize", "/", "", "/assets", "/assets/x", "/.well-known/mcp", "/mcp/", "/a//b", "/a/../b", "/%6d", "x", "/mcp?x"} {
		config := Config{Issuer: issuer, Resource: issuer + path, ServerName: "n", Scopes: []string{"mcp"}}
		deps := Deps{Conn: new(nothing), Logger: discard(), Now: now, Random: counter{}}
		if _, err := New(deps, config); err == nil {
			t.Errorf("resource at %q is accepted", path)
		}
	}
}
