package oauth

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// maxBody is the largest request body that is read, in bytes.
const maxBody = 64 << 10

const (
	mediaForm = "application/x-www-form-urlencoded"
	mediaJSON = "application/json"
)

// post is an endpoint that takes a body and gives out secrets.
type post struct {
	gateway *gateway
	// mediaType is the only one that the endpoint reads. A page of another site can send others without a preflight.
	mediaType string
	// anyOrigin lets the pages of every site call the endpoint, for clients that run in a browser.
	anyOrigin bool
	// anonymous callers prove themselves by what they send. An Authorization header means nothing then.
	anonymous bool
	// admit says how long a request has to wait, 0 when it is taken. Nil takes all.
	admit func(*http.Request) time.Duration
}

func (p *post) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	noStore(w.Header())
	if p.anyOrigin {
		allowAnyOrigin(w.Header())
	}
	switch {
	case r.Method == http.MethodPost:
	case r.Method == http.MethodOptions && p.anyOrigin:
		preflight(w, http.MethodPost)
		return
	case p.anyOrigin:
		methodNotAllowed(withOptions(http.MethodPost)).write(w)
		return
	default:
		methodNotAllowed(http.MethodPost).write(w)
		return
	}
	if p.admit != nil {
		if wait := p.admit(r); wait > 0 {
			tooManyRequests(wait).write(w)
			return
		}
	}
	body, f := p.read(w, r)
	if f != nil {
		f.challenge(r).write(w)
		return
	}
	header := http.Header{"Content-Type": {p.mediaType}}
	if auth, ok := r.Header["Authorization"]; ok && !p.anonymous {
		header["Authorization"] = auth
	}
	p.gateway.serve(w, r, target{method: http.MethodPost, path: r.URL.Path, header: header, body: body})
}

// read returns the body of a request that the endpoint may look at.
func (p *post) read(w http.ResponseWriter, r *http.Request) (*payload, *failure) {
	switch {
	case r.URL.RawQuery != "":
		// A secret in a URL ends up in logs, and merging query and body lets two readers see two requests.
		return nil, invalidRequest("Parameters belong into the body, not into the URL.")
	case !isMediaType(r.Header, p.mediaType):
		return nil, unsupportedMedia("The media type must be " + p.mediaType + ".")
	case isEncoded(r.Header):
		return nil, unsupportedMedia("The body must not be compressed.")
	}
	if f := checkAuthorization(r.Header); f != nil && !p.anonymous {
		return nil, f
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &failure{
			status: http.StatusRequestEntityTooLarge, code: codeInvalidRequest,
			description: "The body is larger than 64 KB.",
		}
	}
	if err != nil {
		return nil, invalidRequest("The body is incomplete.")
	}
	return &payload{data: data}, nil
}

// isMediaType tells whether there is exactly one Content-Type, and it is want in UTF-8.
func isMediaType(h http.Header, want string) bool {
	values := h["Content-Type"]
	if len(values) != 1 {
		return false
	}
	got, params, err := mime.ParseMediaType(values[0])
	charset, hasCharset := params["charset"]
	return err == nil && got == want && (!hasCharset || strings.EqualFold(charset, "utf-8"))
}

func isEncoded(h http.Header) bool {
	for _, coding := range h["Content-Encoding"] {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return true
		}
	}
	return false
}

// checkAuthorization refuses credentials that would not reach the core unchanged. Dropping them silently would make a
// client that failed to authenticate look like one that did not try.
func checkAuthorization(h http.Header) *failure {
	values := h["Authorization"]
	if len(values) > 1 {
		return invalidRequest("There is more than one Authorization header (RFC 6749 section 2.3).")
	}
	for _, value := range values {
		if !isPrintable(value) {
			return &failure{
				status: http.StatusUnauthorized, code: codeInvalidClient,
				description: "The Authorization header is malformed.",
			}
		}
	}
	return nil
}

// payload is a request body that was read whole, on its way through the gateway. The gateway keeps only the text of
// what a codec returns, so the codec leaves the failure itself here.
type payload struct {
	data  []byte
	fault *failure
}

// Read says that nothing is left: codecs take data.
func (*payload) Read([]byte) (int, error) { return 0, io.EOF }

// Close does nothing.
func (*payload) Close() error { return nil }
