// Package origin decides by Host and Origin whether a request may talk to an endpoint at all.
//
// It stands before authentication, because it answers another question: not who calls, but from where. A web page that
// has rebound its name to this server, or that makes a visitor's browser call it, is refused even with a good token.
package origin

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Config says who may call from where. Everything comes from here and nothing from a request.
type Config struct {
	// URL is the public URL of the endpoint. Its host is accepted as Host, its origin as Origin. When the host is a
	// loopback name, the other loopback names on the same port are accepted too: no page can rebind those.
	URL string
	// Hosts are further values of Host, with the port where it is not the default one: for a reverse proxy that does not
	// keep the public one.
	Hosts []string
	// AllowedOrigins are further origins ("https://app.example.com"), compared exactly. There is no wildcard.
	AllowedOrigins []string
	// AllowLoopback accepts every http and https origin on a loopback name: browser-based tools on a developer's machine.
	AllowLoopback bool
}

// Gate is a middleware. It is immutable.
type Gate struct {
	hosts         map[string]bool
	origins       map[string]bool
	allowLoopback bool
}

// New checks the configuration.
func New(config Config) (*Gate, error) {
	u, err := url.Parse(config.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("origin: %q is not the absolute http or https URL of an endpoint", config.URL)
	}
	g := &Gate{hosts: make(map[string]bool), origins: make(map[string]bool), allowLoopback: config.AllowLoopback}
	for _, name := range aliases(u.Hostname()) {
		g.accept(u.Scheme, name, u.Port())
	}
	for _, host := range config.Hosts {
		g.hosts[strings.ToLower(host)] = true
	}
	for _, o := range config.AllowedOrigins {
		if !isOrigin(o) {
			return nil, fmt.Errorf("origin: %q is not an origin; it should look like https://app.example.com", o)
		}
		g.origins[o] = true
	}
	return g, nil
}

// accept takes one name of the endpoint, in each spelling that clients have for it.
func (g *Gate) accept(scheme, name, port string) {
	name = strings.ToLower(name)
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	defaultPort := map[string]string{"http": "80", "https": "443"}[scheme]
	if port != "" && port != defaultPort {
		g.hosts[name+":"+port] = true
		g.origins[scheme+"://"+name+":"+port] = true
		return
	}
	g.hosts[name] = true
	g.hosts[name+":"+defaultPort] = true
	// Browsers leave the default port out.
	g.origins[scheme+"://"+name] = true
}

// Middleware answers 421 to a foreign Host and 403 to a foreign Origin, answers CORS preflights itself, and lets the
// rest through to next with the CORS headers of its answer set.
func (g *Gate) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.hosts[strings.ToLower(r.Host)] {
			refuse(w, http.StatusMisdirectedRequest, "This server does not answer for that host.")
			return
		}
		origins := r.Header["Origin"]
		if len(origins) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		if len(origins) > 1 || !g.allows(origins[0]) {
			refuse(w, http.StatusForbidden, "This origin may not call the server.")
			return
		}
		share(w.Header(), origins[0])
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			preflight(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *Gate) allows(origin string) bool {
	return g.origins[origin] || g.allowLoopback && isLoopbackOrigin(origin)
}

// refuse answers with a constant text. Vary keeps a cache from giving the answer for one origin to another.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Vary", "Origin")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

// isOrigin reports whether s is a serialised origin (RFC 6454 section 6.2) other than "null": a scheme, a host and no
// more. Schemes of applications ("vscode-webview://…") are fine.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != "" && u.Host != "*" && s == u.Scheme+"://"+u.Host
}

func isLoopbackOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && s == u.Scheme+"://"+u.Host && isLoopback(u.Hostname())
}

func isLoopback(name string) bool {
	if name == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// aliases returns the names under which a browser on this machine finds the same server.
func aliases(name string) []string {
	if !isLoopback(strings.ToLower(name)) {
		return []string{name}
	}
	names := []string{"localhost", "127.0.0.1", "::1"}
	if !slices.Contains(names, name) {
		names = append(names, name)
	}
	return names
}
