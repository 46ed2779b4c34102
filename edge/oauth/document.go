package oauth

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// documentAge says how long anybody may keep a document: the longest that a rotated key or a changed setting needs to
// be seen.
const documentAge = "public, max-age=300"

// documents serves the metadata (RFC 8414, RFC 9728) and the keys (RFC 7517). Which of them exist is up to the
// annotations of the contract, and which resources have one is up to the core.
type documents struct{ gateway *gateway }

func (d *documents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowAnyOrigin(w.Header())
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		preflight(w, http.MethodGet, http.MethodHead)
		return
	default:
		methodNotAllowed(withOptions(http.MethodGet, http.MethodHead)).write(w)
		return
	}
	// Some clients keep the slash of an issuer "https://host/" and do not follow a redirect to the path without it.
	path := strings.TrimSuffix(r.URL.Path, "/")
	// The path becomes a field of a message. One that is not UTF-8 cannot be sent, and names nothing.
	if strings.HasSuffix(path, "/") || !utf8.ValidString(path) {
		notFound().write(w)
		return
	}
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	d.gateway.serve(answer, r, target{method: http.MethodGet, path: path, body: http.NoBody})
	answer.send(w, r)
}

// recorder keeps an answer until it is complete, since its tag depends on all of it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *recorder) Header() http.Header         { return a.header }
func (a *recorder) WriteHeader(status int)      { a.status = status }
func (a *recorder) Write(b []byte) (int, error) { return a.body.Write(b) }

// send passes the answer on. A document carries a tag and may be kept.
func (a *recorder) send(w http.ResponseWriter, r *http.Request) {
	maps.Copy(w.Header(), a.header)
	if a.status != http.StatusOK {
		w.WriteHeader(a.status)
		if r.Method != http.MethodHead {
			w.Write(a.body.Bytes())
		}
		return
	}
	sum := sha256.Sum256(a.body.Bytes())
	w.Header().Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	w.Header().Set("Cache-Control", documentAge)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body.Bytes()))
}
