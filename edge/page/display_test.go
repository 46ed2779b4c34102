package page

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// show renders the consent page of a transaction.
func show(t *testing.T, change func(*gatehousev1.GetConsentResponse)) dom {
	t.Helper()
	s := newSite(t)
	s.consent = func(*gatehousev1.GetConsentRequest) (*gatehousev1.GetConsentResponse, error) {
		c := loopbackConsent()
		change(c)
		return c, nil
	}
	return parseHTML(t, s.get(t, "/consent?txn=t1"))
}

// threats: consent-display
func TestTheConsentPageShowsWhatDecides(t *testing.T) {
	doc := show(t, func(*gatehousev1.GetConsentResponse) {})
	for id, want := range map[string]string{
		"client-name":       "Claude Code",
		"client-origin":     "Name not verified",
		"client-registered": "Registered itself 2 minutes ago",
		"client-id":         "client-1",
		"redirect-host":     "localhost:53122",
		"redirect-uri":      "http://localhost:53122/callback",
		"resource-name":     "Example Notes",
		"resource":          "https://mcp.example.com/mcp",
		"provider":          "Keycloak",
		"expires":           "09:10 UTC",
	} {
		if got := doc.text(id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	scopes := doc.test("scope")
	if len(scopes) != 2 || textOf(scopes[0]) != "Read your notes mcp:read" || textOf(scopes[1]) != "offline_access" {
		t.Errorf("%d scopes", len(scopes))
	}
}

// threats: consent-display
func TestTheConsentPageFitsTheKindOfClient(t *testing.T) {
	type consent = gatehousev1.GetConsentResponse
	web := func(c *consent, destination string) {
		c.RedirectKind = gatehousev1.GetConsentResponse_REDIRECT_KIND_WEB
		c.RedirectDestination = destination
	}
	for name, test := range map[string]struct {
		change             func(*consent)
		kind, host, strong string
		warning            string
		origin             string
		document           string
	}{
		"program on this computer": {
			change: func(*consent) {},
			kind:   "loopback", host: "localhost:53122", strong: "localhost", warning: "A program on this computer", origin: "self",
		},
		"program at an IPv6 address": {
			change: func(c *consent) { c.RedirectDestination = "[::1]:8080" },
			kind:   "loopback", host: "[::1]:8080", strong: "[::1]", warning: "A program on this computer", origin: "self",
		},
		"app with its own scheme": {
			change: func(c *consent) {
				c.RedirectKind = gatehousev1.GetConsentResponse_REDIRECT_KIND_PRIVATE_USE
				c.RedirectDestination = "com.example.app"
			},
			kind: "private-use", host: "com.example.app:", strong: "com.example.app", warning: "app on this device", origin: "self",
		},
		"website": {
			change: func(c *consent) { web(c, "app.example.co.uk") },
			kind:   "web", host: "app.example.co.uk", strong: "example.co.uk", warning: "A website", origin: "self",
		},
		"website that looks like another": {
			change: func(c *consent) { web(c, "login.example.com.evil.example:8443") },
			kind:   "web", host: "login.example.com.evil.example:8443", strong: "evil.example", warning: "A website", origin: "self",
		},
		"website with look-alike letters": {
			change: func(c *consent) { web(c, "clаude.ai") },
			kind:   "web", host: "xn--clude-5ve.ai", strong: "xn--clude-5ve.ai", warning: "A website", origin: "self",
		},
		"client that is a document": {
			change: func(c *consent) { web(c, "claude.ai"); c.ClientId = "https://claude.ai/oauth/client.json" },
			kind:   "web", host: "claude.ai", strong: "claude.ai", warning: "A website", origin: "self", document: "claude.ai",
		},
		"client of the operator": {
			change: func(c *consent) {
				web(c, "portal.example.org")
				c.ClientOrigin = gatehousev1.Client_ORIGIN_OPERATOR
			},
			kind: "web", host: "portal.example.org", strong: "example.org", warning: "A website", origin: "operator",
		},
		"kind that the core does not know": {
			change: func(c *consent) { c.RedirectKind, c.RedirectDestination = 0, "x" },
			kind:   "unknown", host: "x", strong: "x", warning: "unknown kind", origin: "self",
		},
	} {
		t.Run(name, func(t *testing.T) {
			doc := show(t, test.change)
			strong := doc.all(func(n *html.Node) bool { return n.Data == "strong" && attr(n.Parent, "data-test") == "redirect-host" })
			if doc.attribute("destination", "data-kind") != test.kind || doc.text("redirect-host") != test.host || textOf(strong[0]) != test.strong {
				t.Errorf("%s %q, %q stands out", doc.attribute("destination", "data-kind"), doc.text("redirect-host"), textOf(strong[0]))
			}
			if !strings.Contains(doc.text("warning"), test.warning) {
				t.Errorf("warning %q", doc.text("warning"))
			}
			if got := doc.attribute("client-origin", "data-origin"); got != test.origin {
				t.Errorf("origin %q", got)
			}
			if want := test.document; want != "" && doc.text("client-document") != "Described by "+want {
				t.Errorf("document %q", doc.text("client-document"))
			}
		})
	}
}

// threats: consent-display, consent-doubleclick
func TestDenyIsAsNearAsAllow(t *testing.T) {
	doc := show(t, func(*gatehousev1.GetConsentResponse) {})
	interactive := doc.all(func(n *html.Node) bool {
		switch n.Data {
		case "a", "button", "summary":
			return true
		default:
			return n.Data == "input" && attr(n, "type") != "hidden"
		}
	})
	var order []string
	for _, n := range interactive[:2] {
		order = append(order, attr(n, "value"))
	}
	if strings.Join(order, " ") != "deny allow" {
		t.Errorf("the tab order begins with %v", order)
	}
	for _, n := range doc.all(func(*html.Node) bool { return true }) {
		for _, a := range n.Attr {
			if a.Key == "autofocus" || a.Key == "tabindex" {
				t.Errorf("<%s> has %s", n.Data, a.Key)
			}
		}
	}
}

// threats: consent-csp, log-referer
func TestPagesNeedNoScriptAndNoOtherHost(t *testing.T) {
	s := newSite(t)
	for name, visit := range visits(t, s) {
		res := visit()
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			continue
		}
		doc := parseHTML(t, res)
		for _, n := range doc.all(func(*html.Node) bool { return true }) {
			switch n.Data {
			case "script", "iframe", "object", "embed", "style", "base":
				t.Errorf("%s: <%s>", name, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: <%s %s>", name, n.Data, a.Key)
				}
				if (a.Key == "src" || n.Data == "link" && a.Key == "href" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") {
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

func TestPagesAreReadableWithoutEyes(t *testing.T) {
	s := newSite(t)
	for name, visit := range visits(t, s) {
		res := visit()
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			continue
		}
		doc := parseHTML(t, res)
		count := func(tag string) int { return len(doc.all(func(n *html.Node) bool { return n.Data == tag })) }
		if count("h1") != 1 || count("main") != 1 || count("title") != 1 {
			t.Errorf("%s: %d h1, %d main, %d title", name, count("h1"), count("main"), count("title"))
		}
		for _, n := range doc.all(func(*html.Node) bool { return true }) {
			if id := attr(n, "aria-labelledby") + attr(n, "aria-describedby"); id != "" &&
				len(doc.all(func(m *html.Node) bool { return attr(m, "id") == id })) != 1 {
				t.Errorf("%s: nothing is called %q", name, id)
			}
			if n.Data == "html" && attr(n, "lang") != "en" {
				t.Errorf("%s: no language", name)
			}
		}
	}
}

// threats: reg-name-markup, reg-name-spoof
func TestAClientsTextIsTextOnly(t *testing.T) {
	plainTags := len(show(t, func(*gatehousev1.GetConsentResponse) {}).all(func(*html.Node) bool { return true }))
	for _, payload := range []string{
		`<img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`, `</title><script>alert(1)</script>`, `' onclick='alert(1)`,
		`{{.CSRF}}`, `{{template "layout"}}`, `<!--`, `-->`, `]]>`, `</dd></dl></main>`, `<base href=//evil.example>`,
		`<meta http-equiv=refresh content=0;url=//evil.example>`, `<style>*{display:none}</style>`, `<form action=//evil.example>`,
		`;script-src *`, `, default-src *`, `javascript:alert(1)`, `&lt;b&gt;`, `&#60;b&#62;`, "`${alert(1)}`", `\u003cscript\u003e`,
		`<svg/onload=alert(1)>`, `<a href=//evil.example>click</a>`, `%3Cscript%3E`, `<b>Verified</b>`,
	} {
		t.Run(payload, func(t *testing.T) {
			doc := show(t, func(c *gatehousev1.GetConsentResponse) {
				c.ClientName, c.ClientId, c.RedirectUri, c.RedirectDestination = payload, payload, payload, payload
				c.Resource, c.ResourceName, c.ProviderName = payload, payload, payload
				c.Scopes = []*gatehousev1.Scope{{Value: payload, Description: payload}, {Value: payload}}
			})
			for _, id := range []string{"client-name", "client-id", "redirect-uri", "resource", "resource-name", "provider"} {
				if got := doc.text(id); got != payload {
					t.Errorf("%s reads %q", id, got)
				}
			}
			if got := len(doc.all(func(*html.Node) bool { return true })); got != plainTags {
				t.Errorf("%d elements, %d without the payload", got, plainTags)
			}
		})
	}
}

// threats: reg-name-spoof
func TestAClientsNameCannotPushTheFactsAway(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"spaces":      {"a" + strings.Repeat(" \u00a0\u2003", 300) + "b", "a b"},
		"lines":       {"a\n\n\r\tb", "a b"},
		"direction":   {"a\u202egpj.exe\u2066", "agpj.exe"},
		"zero width":  {"Cl\u200bau\u200dde\ufeff", "Claude"},
		"length":      {strings.Repeat("ü", 300), strings.Repeat("ü", maxName-1) + "…"},
		"nothing":     {" \u200b ", "An app without a name"},
		"nothing yet": {"", "An app without a name"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := show(t, func(c *gatehousev1.GetConsentResponse) { c.ClientName = test.in })
			if got := doc.text("client-name"); got != test.want {
				t.Errorf("reads %q, want %q", got, test.want)
			}
		})
	}
}

func TestTheAgeOfARegistrationIsToldCoarsely(t *testing.T) {
	for ago, want := range map[time.Duration]string{
		-time.Hour:       "Registered itself less than a minute ago",
		59 * time.Second: "Registered itself less than a minute ago",
		time.Minute:      "Registered itself 1 minute ago",
		59 * time.Minute: "Registered itself 59 minutes ago",
		time.Hour:        "Registered itself 1 hour ago",
		49 * time.Hour:   "Registered itself 2 days ago",
	} {
		doc := show(t, func(c *gatehousev1.GetConsentResponse) { c.ClientCreateTime = timestamppb.New(epoch().Add(-ago)) })
		if got := doc.text("client-registered"); got != want {
			t.Errorf("%v: %q, want %q", ago, got, want)
		}
	}
	doc := show(t, func(c *gatehousev1.GetConsentResponse) { c.ClientCreateTime, c.ExpireTime = nil, nil })
	if doc.text("client-registered") != "" || doc.text("expires") != "" {
		t.Error("the page tells times that it does not know")
	}
}

func TestTheHomePageTellsHowToConnect(t *testing.T) {
	s := newSite(t)
	doc := parseHTML(t, s.get(t, "/"))
	if got := doc.text("mcp-url"); got != "https://mcp.example.com/mcp" {
		t.Errorf("address %q", got)
	}
	if got := textOf(doc.test("command")[0]); got != "claude mcp add --transport http example-notes https://mcp.example.com/mcp" {
		t.Errorf("first command %q", got)
	}
	for _, link := range doc.test("install") {
		if href := attr(link, "href"); !strings.HasPrefix(href, "vscode:mcp/install?") && !strings.HasPrefix(href, "cursor://") {
			t.Errorf("install link %q", href)
		}
	}
	if res := s.get(t, "/other"); res.StatusCode != http.StatusNotFound {
		t.Errorf("other path: status %d", res.StatusCode)
	}
}

func TestNoPageLeadsToASchemeThatRunsInTheBrowser(t *testing.T) {
	for uri, want := range map[string]bool{
		"https://app.example.org/cb?code=c":        true,
		"http://127.0.0.1:53122/callback":          true,
		"http://[::1]:53122/callback":              true,
		"cursor://anysphere.cursor-mcp/cb?code=c":  true,
		"com.example.app:/cb":                      true,
		"javascript:alert(1)":                      false,
		"JavaScript:alert(1)":                      false,
		"java\nscript:alert(1)":                    false,
		" javascript:alert(1)":                     false,
		"data:text/html,x":                         false,
		"vbscript:x":                               false,
		"blob:https://mcp.example.com/x":           false,
		"file:///etc/passwd":                       false,
		"view-source:https://app.example.org":      false,
		"intent://x#Intent;scheme=http;end":        false,
		"https:///cb":                              false,
		"https:cb":                                 false,
		"https://app.example.org\\@evil.example/":  false,
		"https://app.example.org/\r\nSet-Cookie:x": false,
		"//evil.example/":                          false,
		"/relative":                                false,
		"":                                         false,
	} {
		if _, ok := leaveTo(uri); ok != want {
			t.Errorf("leaveTo(%q) = %t", uri, ok)
		}
	}
}
