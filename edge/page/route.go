package page

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxRequest bounds the URL and the form body of every request, in bytes. An honest authorization request, with the
// longest state that the core accepts, stays well below.
const maxRequest = 8 << 10

// contentSecurityPolicy is made of constants only: nothing that a client sends may reach it. The default policy
// forbids scripts.
const contentSecurityPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// methods maps the HTTP methods of one route to their handlers.
type methods map[string]http.HandlerFunc

// route guards one route: headers on every answer, a bounded URL, known methods only.
func (p *Pages) route(byMethod methods) http.Handler {
	allow := strings.Join(slices.Sorted(maps.Keys(byMethod)), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.setHeaders(w.Header())
		handle, ok := byMethod[r.Method]
		switch {
		case len(r.RequestURI) > maxRequest:
			p.Error(w, r, http.StatusRequestURITooLong)
		case !ok:
			w.Header().Set("Allow", allow)
			p.Error(w, r, http.StatusMethodNotAllowed)
		default:
			handle(w, r)
		}
	})
}

// setHeaders sets what every answer of the pages carries, redirects and errors included.
func (p *Pages) setHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if p.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// stateful refuses speculative loads: a browser that only guesses where its user goes next must neither open a
// transaction nor spend a one-time answer. The status is an error, so that the browser drops the answer and asks again
// when the user really goes there.
func stateful(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
			if strings.HasPrefix(r.Header.Get(name), "prefetch") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
		}
		handle(w, r)
	}
}

// limited asks a visitor to wait when too many logins begin.
func (p *Pages) limited(handle http.HandlerFunc) http.HandlerFunc {
	if p.admit == nil {
		return handle
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if wait := p.admit(r); wait > 0 {
			w.Header().Set("Retry-After", retryAfter(wait))
			p.Error(w, r, http.StatusTooManyRequests)
			return
		}
		handle(w, r)
	}
}

// redirect sends the browser on with 303, the one status that never repeats a POST at the next place (RFC 9700
// section 4.12). The body is empty: it would only repeat a URL that may hold a code.
func redirect(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}
