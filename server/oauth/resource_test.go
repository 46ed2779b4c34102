package oauth_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

func resources() oauth.Resources {
	return oauth.Resources{
		{URI: "https://mcp.example/mcp", Name: "default"},
		{URI: "https://mcp.example/notes", Name: "notes"},
		{URI: "https://kiosk.example", Name: "kiosk"},
		{URI: "http://localhost:8000/mcp?v=1", Name: "local"},
	}
}

func TestResourcesFindNormalisesSchemeHostDefaultPortAndEmptyPathOnly(t *testing.T) {
	tests := []struct{ uri, want string }{
		{"https://mcp.example/mcp", "default"},
		{"HTTPS://MCP.Example/mcp", "default"},
		{"https://mcp.example:443/mcp", "default"},
		{"https://mcp.example/notes", "notes"},
		{"https://kiosk.example", "kiosk"},
		{"https://kiosk.example/", "kiosk"},
		{"https://kiosk.example:443", "kiosk"},
		{"http://LOCALHOST:8000/mcp?v=1", "local"},

		{"", ""},
		{"https://mcp.example", ""},
		{"https://mcp.example/", ""},
		{"https://mcp.example/mcp/", ""},
		{"https://mcp.example/MCP", ""},
		{"https://mcp.example/mcp/x", ""},
		{"https://mcp.example/mc", ""},
		{"https://mcp.example/%6dcp", ""},
		{"https://mcp.example/x/../mcp", ""},
		{"https://mcp.example//mcp", ""},
		{"https://mcp.example/mcp?", ""},
		{"https://mcp.example/mcp?x=1", ""},
		{"https://mcp.example/mcp#", ""},
		{"https://mcp.example:80/mcp", ""},
		{"https://mcp.example:0443/mcp", ""},
		{"https://mcp.example:/mcp", ""},
		{"https://mcp.example./mcp", ""},
		{"https://x@mcp.example/mcp", ""},
		{"http://mcp.example/mcp", ""},
		{"http://mcp.example:443/mcp", ""},
		{" https://mcp.example/mcp", ""},
		{"https://evil.example/mcp", ""},
		{"https://\u212Aiosk.example", ""},
		{"https://kiosk.example?", ""},
		{"//mcp.example/mcp", ""},
		{"/mcp", ""},
		{"http://localhost/mcp?v=1", ""},
	}
	for _, tt := range tests {
		r, found := resources().Find(tt.uri)
		if r.Name != tt.want || found != (tt.want != "") {
			t.Errorf("Find(%q) is %q, %t; want %q", tt.uri, r.Name, found, tt.want)
		}
	}
}

func TestResourcesSelect(t *testing.T) {
	tests := []struct {
		name      string
		requested []string
		want      string // empty for invalid_target
	}{
		{"none is the default", nil, "default"},
		{"empty counts as none", []string{""}, "default"},
		{"one", []string{"https://mcp.example/notes"}, "notes"},
		{"one beside an empty", []string{"", "https://mcp.example/notes"}, "notes"},
		{"the same twice", []string{"https://mcp.example/notes", "https://MCP.example:443/notes"}, "notes"},
		{"two resources", []string{"https://mcp.example/mcp", "https://mcp.example/notes"}, ""},
		{"one known, one unknown", []string{"https://mcp.example/mcp", "https://evil.example/"}, ""},
		{"unknown", []string{"https://evil.example/mcp"}, ""},
		{"prefix", []string{"https://mcp.example/"}, ""},
		{"fragment", []string{"https://mcp.example/mcp#x"}, ""},
		{"empty fragment", []string{"https://mcp.example/mcp#"}, ""},
		{"relative", []string{"/mcp"}, ""},
		{"without scheme", []string{"mcp.example/mcp"}, ""},
		{"opaque", []string{"urn:example:mcp"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := resources().Select(tt.requested)
			if tt.want == "" {
				wantError(t, err, oauth.InvalidTarget)
				return
			}
			if err != nil || r.Name != tt.want {
				t.Errorf("got %q, %v; want %q", r.Name, err, tt.want)
			}
		})
	}
	_, err := oauth.Resources(nil).Select(nil)
	wantError(t, err, oauth.InvalidTarget)
}

func TestResourcesByPath(t *testing.T) {
	tests := []struct{ path, want string }{
		{"", "default"},
		{"mcp", "default"},
		{"notes", "notes"},
		{"/mcp", ""},
		{"mcp/", ""},
		{"MCP", ""},
		{"other", ""},
		{"notes/x", ""},
	}
	for _, tt := range tests {
		r, found := resources().ByPath(tt.path)
		if r.Name != tt.want || found != (tt.want != "") {
			t.Errorf("ByPath(%q) is %q, %t; want %q", tt.path, r.Name, found, tt.want)
		}
	}
	if _, found := oauth.Resources(nil).ByPath(""); found {
		t.Error("no resources have a default")
	}
}

func TestResourcePath(t *testing.T) {
	for uri, want := range map[string]string{
		"https://a.example/mcp": "mcp", "https://a.example/a/b": "a/b", "https://a.example": "", "https://a.example/": "",
		"https://a.example/mcp?v=1": "mcp", "https://a.example/mcp/": "mcp/",
	} {
		if got := (oauth.Resource{URI: uri}).Path(); got != want {
			t.Errorf("path of %q is %q, want %q", uri, got, want)
		}
	}
}

func FuzzResource(f *testing.F) {
	for _, uri := range []string{
		"https://mcp.example/mcp", "HTTPS://MCP.EXAMPLE:443/mcp", "https://kiosk.example/", "https://mcp.example/mcp#",
		"https://x@mcp.example/mcp", "//mcp.example", "https://mcp.example:80/mcp", "https://\u212Aiosk.example/",
	} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		selected, err := resources().Select([]string{uri})
		if err != nil {
			wantError(t, err, oauth.InvalidTarget)
			return
		}
		found, ok := resources().Find(uri)
		if uri == "" {
			return
		}
		if !ok || found.URI != selected.URI {
			t.Fatalf("%q selects %q and finds %q", uri, selected.URI, found.URI)
		}
		got, gotOK := parseLikeBrowser(uri)
		want, wantOK := parseLikeBrowser(selected.URI)
		if !gotOK || !wantOK || got != want {
			t.Fatalf("%q selects %q, a browser goes to %+v", uri, selected.URI, got)
		}
		if len(uri) > len(selected.URI)+len(":443/") || strings.ContainsAny(uri, "#@ \t\r\n") {
			t.Fatalf("%q selects %q", uri, selected.URI)
		}
	})
}
