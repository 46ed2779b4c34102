package origin

import (
	"net/http"
	"strings"
)

const (
	allowedMethods = "POST, GET, DELETE"
	exposedHeaders = "Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate, Retry-After"
	preflightAge   = "600"
	// paramPrefix begins the headers that repeat tool arguments (MCP 2026-07-28).
	paramPrefix = "mcp-param-"
)

// share lets a page of an accepted origin read the answer. Credentials stay out of it: the token is in a header that the
// page sets itself, and cookies mean nothing here.
func share(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", exposedHeaders)
	h.Add("Vary", "Origin")
}

// preflight answers the question of a browser whether it may send what a page wants to send.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", allowedMethods)
	h.Set("Access-Control-Max-Age", preflightAge)
	h.Add("Vary", "Access-Control-Request-Headers")
	var allowed []string
	for _, line := range r.Header.Values("Access-Control-Request-Headers") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); isRequestHeader(name) {
				allowed = append(allowed, name)
			}
		}
	}
	if len(allowed) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(allowed, ", "))
	}
	w.WriteHeader(http.StatusNoContent)
}

// isRequestHeader reports whether MCP has a use for a request header. Names are lower case.
func isRequestHeader(name string) bool {
	switch name {
	case "authorization", "content-type", "accept", "last-event-id",
		"mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name":
		return true
	default:
		return strings.HasPrefix(name, paramPrefix) && isToken(name)
	}
}

// isToken reports whether s is a token (RFC 9110 section 5.6.2), and so can be repeated in a header.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
