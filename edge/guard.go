package edge

import (
	"net/http"
	"slices"
	"strings"
)

// maxTarget is the longest path and query that are answered, in bytes.
const maxTarget = 8 << 10

// guard lets through to mux what has the right host, a method that some route knows, and a path with one spelling.
//
// The host is looked at first: nothing is told to a name that is not ours, which may be a page that has rebound its own
// name to this address. The probes are exempt, because what asks them knows the address only.
func (p problems) guard(hosts hosts, mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != pathAlive && r.URL.Path != pathReady && !isOurs(hosts, r):
			p.write(w, r, http.StatusMisdirectedRequest)
		case isEarly(r):
			p.write(w, r, http.StatusTooEarly)
		case !isMethod(r.Method):
			w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
			p.write(w, r, http.StatusMethodNotAllowed)
		case len(r.URL.EscapedPath())+len(r.URL.RawQuery) > maxTarget:
			p.write(w, r, http.StatusRequestURITooLong)
		case !isPlainPath(r.URL.EscapedPath()) || lacksSlash(mux, r.URL.Path):
			p.write(w, r, http.StatusNotFound)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// isOurs tells whether a request means this server. net/http takes Host from an absolute target when there is one.
func isOurs(hosts hosts, r *http.Request) bool {
	return hosts.has(r.Host) && (r.URL.Host == "" || hosts.has(r.URL.Host))
}

// isEarly tells whether a proxy passes on what came before the TLS handshake was over, which anybody on the way may send again
// (RFC 8470 section 5.1). A code that is sent twice ends the login, so none of it is taken; clients send it once more by
// themselves.
func isEarly(r *http.Request) bool { return slices.Contains(r.Header.Values("Early-Data"), "1") }

func isMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
		return true
	}
	return false
}

// lacksSlash tells whether mux would redirect a path to the same path with a slash. It does that with 307, which repeats
// a body at another address, and which some clients refuse.
func lacksSlash(mux *http.ServeMux, path string) bool {
	return !strings.HasSuffix(path, "/") && patternOf(mux, path) == path+"/"
}
