package oauth

import (
	"net/http"
	"slices"
	"strings"
)

// allowAnyOrigin lets the pages of every site read an answer. No endpoint here reads a cookie, so a page learns and does
// nothing that a program elsewhere could not; clients that run in a browser need it.
func allowAnyOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
}

// preflight answers an OPTIONS request, whether a browser asks or a person.
func preflight(w http.ResponseWriter, methods ...string) {
	h := w.Header()
	h.Set("Allow", withOptions(methods...))
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, MCP-Protocol-Version")
	h.Set("Access-Control-Max-Age", "600")
	noStore(h)
	w.WriteHeader(http.StatusNoContent)
}

func withOptions(methods ...string) string {
	return strings.Join(append(slices.Clip(methods), http.MethodOptions), ", ")
}

// noStore keeps an answer out of every cache (RFC 6749 section 5.1).
func noStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}
