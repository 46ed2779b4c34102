package requestlog

import (
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"
)

// maxPath is how many bytes of a path a log line keeps.
const maxPath = 256

// Deps is what the handler needs.
type Deps struct {
	// Next answers the request.
	Next http.Handler
	// Failure answers in place of Next when Next panicked before it wrote anything. It must answer with status 500.
	Failure http.Handler
	// Logger gets one line per request at info, and one at error for a panic.
	Logger *slog.Logger
	// ClientAddress returns where a request comes from. It may be invalid.
	ClientAddress func(*http.Request) netip.Addr
	// Now is the clock that measures durations.
	Now func() time.Time
	// Random is the source of identifiers. It must be safe for concurrent use.
	Random io.Reader
}

type handler struct{ deps Deps }

// NewHandler returns a handler that gives each request an identifier, passes it on, and logs one line when it is done.
// The identifier is made here and never taken from the client, so that nobody can make two requests look like one.
//
// A panic is contained inside the line: it ends as a 500 that is logged like any other answer. Once a part of the
// answer has left, the connection is cut instead, for the client must not take half an answer for a whole one.
func NewHandler(deps Deps) http.Handler { return &handler{deps: deps} }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := h.newID()
	r = r.WithContext(WithID(r.Context(), id))
	line := &response{ResponseWriter: w}
	start := h.deps.Now()
	// The line is taken before the handlers run: they may rewrite the request.
	attrs := []slog.Attr{
		slog.String("method", printable(r.Method)),
		slog.String("path", printable(r.URL.EscapedPath())),
		slog.String("client_address", h.deps.ClientAddress(r).String()),
	}
	defer func() {
		h.deps.Logger.LogAttrs(r.Context(), slog.LevelInfo, "request", append(attrs,
			slog.Int("status", line.Status()),
			slog.Float64("duration_ms", float64(h.deps.Now().Sub(start).Microseconds())/1000),
			slog.Int64("bytes", line.bytes),
			slog.String("request_id", id),
		)...)
	}()
	h.contain(line, r)
}

// contain runs Next and turns a panic into an answer.
func (h *handler) contain(w *response, r *http.Request) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler)
		}
		h.deps.Logger.LogAttrs(r.Context(), slog.LevelError, "panic in a request handler",
			slog.Any("panic", cause),
			slog.String("stack", string(debug.Stack())),
			slog.String("request_id", ID(r.Context())),
		)
		if w.status != 0 {
			panic(http.ErrAbortHandler)
		}
		clear(w.Header())
		h.deps.Failure.ServeHTTP(w, r)
	}()
	h.deps.Next.ServeHTTP(w, r)
}

// newID returns 64 random bits in hexadecimal. Without randomness it returns an empty string: the identifier is a
// convenience, and a request is rather served without one than not at all.
func (h *handler) newID() string {
	var b [8]byte
	if _, err := io.ReadFull(h.deps.Random, b[:]); err != nil {
		return ""
	}
	return hex.EncodeToString(b[:])
}

// printable returns s in the form that a log line may carry: ASCII without control characters, at most maxPath bytes.
func printable(s string) string {
	cut := min(len(s), maxPath)
	b := []byte(s[:cut])
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	if cut < len(s) {
		b = append(b, "..."...)
	}
	return string(b)
}
