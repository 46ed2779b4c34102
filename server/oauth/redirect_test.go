package oauth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

func TestParseRedirectURIAccepts(t *testing.T) {
	const (
		web        = oauth.RedirectWeb
		loopback   = oauth.RedirectLoopback
		privateUse = oauth.RedirectPrivateUse
	)
	tests := []struct {
		raw         string
		kind        oauth.RedirectKind
		destination string
	}{
		{"https://app.example/cb", web, "app.example"},
		{"https://app.example", web, "app.example"},
		{"https://app.example?", web, "app.example"},
		{"https://app.example:8443/cb", web, "app.example:8443"},
		{"https://app.example:443/cb", web, "app.example:443"},
		{"https://app.example/cb?tenant=a%2Fb", web, "app.example"},
		{"https://app.example/cb?a=1&b=2&&c", web, "app.example"},
		{"https://app.example/cb%23", web, "app.example"},
		{"https://app.example/CB//x;v=1/@me/*/...", web, "app.example"},
		{"https://xn--bcher-kva.example/cb", web, "xn--bcher-kva.example"},
		{"https://r3---sn-apo3qvuoxuxbt-j5pe.example/cb", web, "r3---sn-apo3qvuoxuxbt-j5pe.example"},
		{"https://intranet/cb", web, "intranet"},
		{"https://10.0.0.1/cb", web, "10.0.0.1"},
		{"https://[2001:db8::1]:8443/cb", web, "[2001:db8::1]:8443"},
		{"https://localhost:3000/cb", web, "localhost:3000"},
		{"https://claude.ai/api/mcp/auth_callback", web, "claude.ai"},
		{"https://www.cursor.com/agents/mcp/oauth/callback", web, "www.cursor.com"},
		{"http://127.0.0.1/cb", loopback, "127.0.0.1"},
		{"http://127.0.0.1:49152/cb", loopback, "127.0.0.1:49152"},
		{"http://127.0.0.1:33418", loopback, "127.0.0.1:33418"},
		{"http://[::1]:49152/cb", loopback, "[::1]:49152"},
		{"http://[::1]", loopback, "[::1]"},
		{"http://localhost:49152/cb", loopback, "localhost:49152"},
		{"com.example.app:/oauth2redirect", privateUse, "com.example.app:"},
		{"com.example.app://cb?a=1", privateUse, "com.example.app:"},
		{"com.raycast:/oauth?package_name=Extension", privateUse, "com.raycast:"},
		{"cursor://anysphere.cursor-retrieval/oauth/cb", privateUse, "cursor:"},
		{"cursor://anysphere.cursor-mcp/oauth/callback", privateUse, "cursor:"},
		{"grokbot://mcp/oauth/callback", privateUse, "grokbot:"},
		{"raycast://oauth?package_name=mcp_server_acme_(dev)", privateUse, "raycast:"},
		{"vscode://GitHub.copilot-chat/cb", privateUse, "vscode:"},
		{"warp://mcp/oauth2callback", privateUse, "warp:"},
		{"windsurf:/cb", privateUse, "windsurf:"},
		{"https://app.example/" + strings.Repeat("a", 2048-len("https://app.example/")), web, "app.example"},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			r := mustRedirect(t, tt.raw)
			if r.String() != tt.raw || r.Kind() != tt.kind || r.Destination() != tt.destination {
				t.Errorf("got %q, kind %d, destination %q; want kind %d, destination %q",
					r, r.Kind(), r.Destination(), tt.kind, tt.destination)
			}
			if !r.Matches(tt.raw) {
				t.Error("does not match itself")
			}
		})
	}
}

func TestParseRedirectURIRefuses(t *testing.T) {
	tests := map[string][]string{
		"schemes that run or read something": {
			"javascript:alert(1)//https://app.example/", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)",
			"\x01javascript:alert(1)", "javascript:https://app.example/", "javascript:/cb", "data:text/html,x",
			"vbscript:x", "blob:https://a/1", "file:///etc/passwd", "about:blank", "view-source:https://a",
			"filesystem:https://a/x", "intent://x#Intent;end", "intent://x/cb", "ms-msdt:/id", "chrome://settings",
			"ws://a/", "wss://a/", "ftp://a/", "mailto:x", "tel:1", "mailto:/x",
		},
		"what is not absolute": {
			"", ":", "://a/cb", "//app.example/cb", "/cb", "cb", "https:app.example/cb", "https:/app.example/cb",
			"https:///app.example/cb", "https://", "https://?a=1", "http:", "1.2:/cb", "-a.b:/cb",
		},
		"what browsers read as another host": {
			`https://app.example\@evil.example/cb`, `https://app.example\.evil.example/cb`, `https:\\app.example/cb`,
			`https://app.example\cb`,
		},
		"user names": {
			"https://app.example@evil.example/cb", "https://a:b@app.example/cb", "https://@app.example/",
			"https://a@b@evil.example/", "http://localhost@evil.example/", "http://localhost:80@evil.example/",
			"http://127.0.0.1@evil.example/", "com.example.app://user@host/",
		},
		"fragments": {
			"https://app.example#", "https://app.example/cb#frag", "https://app.example/cb#", "cursor://x/cb#",
		},
		"ports": {
			"https://app.example:/cb", "https://app.example:0/", "https://app.example:65536/",
			"https://app.example:4x/", "https://app.example:080/", "https://app.example:+80/", "https://:443/cb",
			"https://app.example:80:80/", "http://localhost:/cb", "http://[::1]:/cb", "cursor://x:80/cb",
		},
		"hosts that are not canonical": {
			"https://app.example.:443/cb", "https://app.example./cb", "https://APP.example/cb", "HTTPS://app.example/cb",
			"https://app%2eexample/cb", "https://%61pp.example/", "https://app.example%00.evil.example/",
			"https://b\u00fccher.example/", "https://app\u3002example/", "https://\uff41pp.example/",
			"https://a..example/", "https://.example/", "https://-a.example/", "https://a-.example/",
			"https://a_b.example/", "https://a,b.example/", "https://" + strings.Repeat("a", 64) + ".example/",
			"https://" + strings.Repeat("abc.", 64) + "example/", "http://LOCALHOST/cb", "http://localhost./cb",
		},
		"encoded labels with a second spelling": {
			"https://xn--app-.example/", "https://xn--.example/", "https://xn--a.example/", "https://xn--bcher-.example/",
			"https://a.xn--99999999999.example/",
		},
		"IPv4 in other spellings": {
			"http://127.1/cb", "http://2130706433/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "https://127.0.0.01/",
			"https://1.2.3/", "https://1.2.3.4.5/", "https://256.1.1.1/", "https://0x7f000001/", "https://a.0x/",
			"https://a.1/", "https://0.0.0.0/",
		},
		"IPv6 in other spellings": {
			"http://[::ffff:127.0.0.1]/", "http://[::1%25lo]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::]/",
			"https://[::1]evil.example/", "https://[fe80::1%25eth0]/", "https://[2001:DB8::1]/", "https://[::1",
			"https://[]/", "https://[1.2.3.4]/", "https://[::1]]/", "https://::1/", "https://[::ffff:7f00:1]/",
		},
		"http off the machine": {
			"http://app.example/cb", "http://10.0.0.1/cb", "http://0.0.0.0/cb", "http://127.0.0.2/cb",
			"http://127.0.0.1.evil.example/", "http://localhost.evil.example/", "http://[::2]/cb", "http://[2001:db8::1]/",
		},
		"bytes that no URI has": {
			"https://app.example/cb\r\nX: y", "https://app.example/c b", " https://app.example/cb",
			"https://app.example/cb\t", "https://app.example/\x00", "https://app.example/\u00e9", "\ufeffhttps://a.example/",
			"https://app.example/\x7f", `https://app.example/"`, "https://app.example/<x>", "https://app.example/{id}",
			"https://app.example/%", "https://app.example/%4", "https://app.example/%zz", "https://app.example/[x]",
			"https://app.example/cb?a[]=1", "https://app.example/a^b", "https://app.example/a|b", "https://app.example/a`b",
		},
		"wildcards": {
			"https://*.example/cb", "https://app.example:*/cb", "http://localhost:*/cb", "https://*/", "*://app.example/cb",
			"https://*.example.com/*", "https://ok.example*", "cursor://*/cb",
		},
		"dot segments": {
			"https://app.example/a/../cb", "https://app.example/%2e%2e/", "https://app.example/..;/",
			"https://app.example/.%2e/", "https://app.example/./cb", "https://app.example/cb/..",
			"https://app.example/%2E", "https://app.example/a%2f..%2fcb", "https://app.example/a%5C..%5Ccb",
			"https://app.example/a/..%3bx/cb", "com.example.app:/../cb", "cursor://x/../cb", "com.example.app:/.//cb",
		},
		"response parameters": {
			"https://app.example/cb?code=1", "https://app.example/cb?state=1", "https://app.example/cb?iss=1",
			"https://app.example/cb?error=1", "https://app.example/cb?error_description=x",
			"https://app.example/cb?error_uri=x", "https://app.example/cb?access_token=x",
			"https://app.example/cb?id_token=x", "https://app.example/cb?response=x", "https://app.example/cb?%63ode=1",
			"https://app.example/cb?Code=1", "https://app.example/cb?code", "https://app.example/cb?x=1&code=1",
			"https://app.example/cb?x=1;code=1", "https://app.example/cb?code%5B%5D=1", "https://app.example/cb?+code=1",
			"https://app.example/cb?error.description=1", "https://app.example/cb?code%00=1",
			"https://app.example/cb?%C5%BFtate=1", "https://app.example?code=1", "cursor://x/cb?code=1",
			"com.example.app:/cb?state=1", "http://localhost/cb?iss=1",
		},
		"repeated parameters": {
			"https://app.example/cb?a=1&a=2", "https://app.example/cb?a=1&%61=2", "https://app.example/cb?a&A",
			"https://app.example/cb?=1&=2",
		},
		"private-use URIs without a target": {
			"myapp:/cb", "myapp://x/cb", "com.example.app:", "com.example.app:?a=1", "com.example.app:cb",
			"com.example.app://", "com.example.app:///cb", "com..app:/cb", "com.example.:/cb", ".com:/cb", "com.-x:/cb",
			"Com.example.app:/cb", "CURSOR://x/cb", "com.example.app://a%2eb/cb", "com.example.app://[::1]/cb",
		},
		"what is too long": {
			"https://app.example/" + strings.Repeat("a", 2049-len("https://app.example/")),
		},
	}
	for group, uris := range tests {
		for _, raw := range uris {
			t.Run(group+"/"+raw, func(t *testing.T) {
				r, err := oauth.ParseRedirectURI(raw, oauth.DefaultPrivateUseSchemes())
				wantError(t, err, oauth.InvalidRedirectURI)
				if r != (oauth.RedirectURI{}) {
					t.Errorf("got %q along with the error", r)
				}
			})
		}
	}
}

func TestParseRedirectURIRefusesScriptSchemesInEveryDisguise(t *testing.T) {
	schemes := []string{"javascript", "data", "vbscript", "blob", "file", "about", "view-source"}
	listed := append(oauth.DefaultPrivateUseSchemes(), schemes...)
	for _, scheme := range schemes {
		for _, raw := range []string{
			scheme + ":alert(1)", scheme + "://app.example/cb", scheme + ":/cb", scheme + ":https://ok.example/",
			strings.ToUpper(scheme) + "://app.example/cb", " " + scheme + "://a/cb", "\x00" + scheme + "://a/cb",
			"\ufeff" + scheme + "://a/cb", scheme[:2] + "\t" + scheme[2:] + "://a/cb",
			scheme[:2] + "\n" + scheme[2:] + "://a/cb",
		} {
			if _, err := oauth.ParseRedirectURI(raw, listed); err == nil {
				t.Errorf("accepted %q", raw)
			}
		}
	}
}

func TestRedirectURIMatches(t *testing.T) {
	tests := []struct {
		registered string
		same       []string
		others     []string
	}{
		{
			registered: "https://app.example/cb",
			same:       []string{"https://app.example/cb"},
			others: []string{
				"", "https://app.example/cb/", "https://app.example/CB", "https://app.example/cb?x=1",
				"https://app.example/cb?", "https://app.example/cb#", "https://app.example/%63b",
				"https://app.example//cb", "https://app.example/./cb", "https://app.example:443/cb",
				"https://app.example:8443/cb", "https://app.example/cb%20", "https://APP.example/cb",
				"https://app.example/x/../cb", "http://app.example/cb", "https://app.example.evil.example/cb",
			},
		},
		{
			registered: "http://127.0.0.1:5000/cb",
			same: []string{
				"http://127.0.0.1:5000/cb", "http://127.0.0.1:61000/cb", "http://127.0.0.1/cb", "http://127.0.0.1:80/cb",
			},
			others: []string{
				"http://localhost:5000/cb", "http://[::1]:5000/cb", "http://127.0.0.1:5000/cb2",
				"https://127.0.0.1:5000/cb", "http://127.0.0.1:5000/cb?x", "http://127.0.0.1:5000/cb?",
				"http://127.0.0.1:5000/CB", "http://127.0.0.1:5000", "http://127.0.0.1:0/cb", "http://127.0.0.1:/cb",
				"http://127.0.0.1:99999/cb", "http://127.0.0.1:05000/cb", "http://127.0.0.1:5000@evil.example/cb",
				"http://127.0.0.1:5000/cb#", "http://x@127.0.0.1:5000/cb", "http://127.0.0.2:5000/cb",
			},
		},
		{
			registered: "http://localhost/callback",
			same:       []string{"http://localhost:53682/callback", "http://localhost/callback"},
			others:     []string{"http://127.0.0.1:53682/callback", "http://localhost:53682/", "http://localhost.:1/callback"},
		},
		{
			registered: "http://[::1]:1/cb?tenant=a",
			same:       []string{"http://[::1]:2/cb?tenant=a", "http://[::1]/cb?tenant=a"},
			others:     []string{"http://[::1]:1/cb", "http://[::1]:1/cb?tenant=b", "http://[::01]:1/cb?tenant=a"},
		},
		{
			registered: "http://127.0.0.1:33418",
			same:       []string{"http://127.0.0.1:33419", "http://127.0.0.1"},
			others:     []string{"http://127.0.0.1:33418/", "http://127.0.0.1:33418?"},
		},
		{
			registered: "https://localhost:5000/cb",
			same:       []string{"https://localhost:5000/cb"},
			others:     []string{"https://localhost:5001/cb", "https://localhost/cb"},
		},
		{
			registered: "cursor://anysphere.cursor-mcp/oauth/callback",
			same:       []string{"cursor://anysphere.cursor-mcp/oauth/callback"},
			others: []string{
				"cursor://anysphere.cursor-mcp/oauth/callback/", "cursor://anysphere.cursor-retrieval/oauth/callback",
				"CURSOR://anysphere.cursor-mcp/oauth/callback", "cursor://anysphere.cursor-mcp:1/oauth/callback",
			},
		},
	}
	for _, tt := range tests {
		r := mustRedirect(t, tt.registered)
		for _, requested := range tt.same {
			if !r.Matches(requested) {
				t.Errorf("%q does not match %q", tt.registered, requested)
			}
		}
		for _, requested := range tt.others {
			if r.Matches(requested) {
				t.Errorf("%q matches %q", tt.registered, requested)
			}
		}
	}
	if (oauth.RedirectURI{}).Matches("") {
		t.Error("the zero value matches the empty string")
	}
}

func TestParseRedirectURIs(t *testing.T) {
	ten := make([]string, 10)
	for i := range ten {
		ten[i] = fmt.Sprintf("http://127.0.0.1:%d/cb", 1000+i)
	}
	tests := []struct {
		name string
		raw  []string
		want int // -1 for an error
	}{
		{"none", nil, -1},
		{"empty list", []string{}, -1},
		{"empty entry", []string{""}, -1},
		{"one", []string{"https://app.example/cb"}, 1},
		{"ten", ten, 10},
		{"eleven", append(ten[:10:10], "https://app.example/cb"), -1},
		{"duplicates collapse", []string{"https://a.example/", "https://b.example/", "https://a.example/"}, 2},
		{"one bad entry spoils all", []string{"https://app.example/cb", "javascript:alert(1)"}, -1},
		{"what Cursor registers", []string{
			"cursor://anysphere.cursor-mcp/oauth/callback", "grokbot://mcp/oauth/callback",
			"http://localhost:8787/callback", "https://www.cursor.com/agents/mcp/oauth/callback",
			"https://www.cursor.com/bot/mcp/oauth/callback",
		}, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			uris, err := oauth.ParseRedirectURIs(tt.raw, oauth.DefaultPrivateUseSchemes())
			if tt.want < 0 {
				wantError(t, err, oauth.InvalidRedirectURI)
				return
			}
			if err != nil || len(uris) != tt.want {
				t.Fatalf("got %v, %v; want %d URIs", uris, err, tt.want)
			}
			if uris[0].String() != tt.raw[0] {
				t.Errorf("the order changed: %v", uris)
			}
		})
	}
}

func TestParseRedirectURISaysWhatIsWrong(t *testing.T) {
	for raw, want := range map[string]string{
		"":                              "redirect_uri is empty",
		"/cb":                           "redirect_uri does not begin with a scheme in lower case",
		"javascript:alert(1)":           "redirect_uri has a scheme that is not allowed",
		"https://a@app.example/":        "redirect_uri has a user name or an @ before its host",
		"https://*.app.example/":        "redirect_uri has a wildcard in its host or port; it is compared as it stands",
		"https://app.example:0/":        "redirect_uri has a port that is not a number from 1 to 65535",
		"https://APP.example/":          "redirect_uri has a host that is not in canonical form",
		"http://app.example/":           "redirect_uri uses http, which is only for 127.0.0.1, [::1] and localhost",
		"https://app.example/../cb":     "redirect_uri has a dot segment in its path",
		"https://app.example/cb?code=1": "redirect_uri has a parameter that belongs to the authorization response",
		"https://app.example/cb?a&a":    "redirect_uri has a repeated parameter",
	} {
		_, err := oauth.ParseRedirectURI(raw, nil)
		if e := wantError(t, err, oauth.InvalidRedirectURI); e.Description != want {
			t.Errorf("%q: description is %q, want %q", raw, e.Description, want)
		}
	}
}

func TestParseRedirectURIsNamesTheBadEntry(t *testing.T) {
	_, err := oauth.ParseRedirectURIs([]string{"https://app.example/cb", "https://app.example/cb#x"}, nil)
	e := wantError(t, err, oauth.InvalidRedirectURI)
	if want := "redirect_uris[1] has a fragment"; e.Description != want {
		t.Errorf("description is %q, want %q", e.Description, want)
	}
}

// FuzzRedirectURI holds the parser against a model of what browsers do. Whatever is accepted means the same to both.
func FuzzRedirectURI(f *testing.F) {
	for _, raw := range []string{
		"https://app.example/cb?tenant=a%2Fb", "http://[::1]:49152/cb", "http://localhost/callback", "https://10.0.0.1:8443",
		"com.example.app:/oauth2redirect", "cursor://anysphere.cursor-mcp/oauth/callback?x", "https://xn--bcher-kva.example/?",
		`https://app.example\@evil.example/cb`, "https://0x7f.1/", "https://app.example/%2e%2e/", "http://127.0.0.1:1@evil/",
		"https://[2001:db8::1]/a;b=c/d?e&f=g&", "https://xn--app-.example/", "java\tscript:alert(1)", "https:/\t/a.example",
		"https://app.example/cb?%63ode=1", "https://a.example/cb?a=1;code=2", "//app.example/cb", "https://a.example:443",
		"https://a.888888888888888888888888a", "com.example.app://x/%27?%27'",
		"https://app.example/cb#frag", "https://[2001:0db8::1]/", "https://a.example/x/../cb", "https://a.example?'",
	} {
		f.Add(raw, "http://localhost:1/callback", "a b&c=d+%\x00é")
	}
	f.Add("http://localhost/cb", "http://127.0.0.1/cb", "")
	f.Add("http://localhost/cb", "http://localhost:1/cb?x", "")
	f.Fuzz(func(t *testing.T, raw, requested, value string) {
		r, err := oauth.ParseRedirectURI(raw, oauth.DefaultPrivateUseSchemes())
		if err != nil {
			wantError(t, err, oauth.InvalidRedirectURI)
			return
		}
		seen := checkBrowserAgrees(t, r)
		checkResponse(t, r, seen, value)
		if again, err := oauth.ParseRedirectURI(r.String(), oauth.DefaultPrivateUseSchemes()); err != nil || again != r {
			t.Errorf("parsing again gives %v, %v", again, err)
		}
		if r.Matches(requested) && requested != raw {
			checkOnlyPortDiffers(t, seen, requested)
		}
	})
}

// checkBrowserAgrees also demands that the browser rewrites nothing: what was compared is what will be opened.
func checkBrowserAgrees(t *testing.T, r oauth.RedirectURI) browserURL {
	t.Helper()
	seen, ok := parseLikeBrowser(r.String())
	if !ok || seen.credentials || seen.fragment {
		t.Fatalf("%q: a browser reads %+v, %t", r, seen, ok)
	}
	want := map[oauth.RedirectKind]string{oauth.RedirectWeb: "https", oauth.RedirectLoopback: "http"}[r.Kind()]
	if r.Kind() == oauth.RedirectPrivateUse {
		want = strings.TrimSuffix(r.Destination(), ":")
	} else if destination := seen.host + ":" + seen.port; r.Destination() != strings.TrimSuffix(destination, ":") &&
		r.Destination() != seen.host+":"+defaultPorts()[seen.scheme] {
		t.Fatalf("%q: destination is %q, a browser goes to %q", r, r.Destination(), destination)
	}
	if seen.scheme != want {
		t.Fatalf("%q: kind is %d, a browser sees scheme %q", r, r.Kind(), seen.scheme)
	}
	if r.Kind() == oauth.RedirectLoopback && seen.host != "127.0.0.1" && seen.host != "[::1]" && seen.host != "localhost" {
		t.Fatalf("%q: taken for loopback, a browser goes to %q", r, seen.host)
	}
	if opened := seen.path + seen.query; opened != writtenTail(r.String(), r.Kind()) {
		t.Fatalf("%q: a browser rewrites path and query to %q", r, opened)
	}
	return seen
}

// writtenTail returns path and query as written, but for the two things that browsers change in an http or https URI
// without any effect: an empty path becomes "/", and an apostrophe in the query is encoded.
func writtenTail(raw string, kind oauth.RedirectKind) string {
	_, tail, _ := strings.Cut(raw, ":")
	if rooted, found := strings.CutPrefix(tail, "//"); found {
		_, tail = cutAny(rooted, "/?")
	}
	if kind == oauth.RedirectPrivateUse {
		return tail
	}
	path, query := cutAny(tail, "?")
	if path == "" {
		path = "/"
	}
	return path + strings.ReplaceAll(query, "'", "%27")
}

func checkOnlyPortDiffers(t *testing.T, registered browserURL, requested string) {
	t.Helper()
	seen, ok := parseLikeBrowser(requested)
	seen.port, registered.port = "", ""
	if !ok || seen != registered || seen.scheme != "http" {
		t.Fatalf("%q matches %+v", requested, registered)
	}
}

func mustRedirect(t *testing.T, raw string) oauth.RedirectURI {
	t.Helper()
	r, err := oauth.ParseRedirectURI(raw, oauth.DefaultPrivateUseSchemes())
	if err != nil {
		t.Fatalf("ParseRedirectURI(%q): %v", raw, err)
	}
	return r
}

// wantError demands an *oauth.Error with that code, and with a description that may stand in error_description
// (RFC 6749 section 5.2).
func wantError(t *testing.T, err error, code oauth.Code) *oauth.Error {
	t.Helper()
	e, ok := errors.AsType[*oauth.Error](err)
	if !ok || e.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	for _, r := range e.Description {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			t.Fatalf("description %q has %q", e.Description, r)
		}
	}
	if e.Description == "" {
		t.Fatal("no description")
	}
	return e
}
