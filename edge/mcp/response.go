package mcp

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// stallTimeout is how long one write to a stream may take. A client that does not read for longer is given up.
const stallTimeout = 30 * time.Second

// responseWriter is the answer as mcp-go writes it. On a stream it adds what a stream needs on its way: a word to
// reverse proxies not to buffer it, a sign of life now and then, and an end to clients that have stopped reading.
type responseWriter struct {
	inner     http.ResponseWriter
	control   *http.ResponseController
	keepAlive time.Duration

	mu       sync.Mutex
	begun    bool
	finished bool
	pulse    *time.Timer // nil unless the answer is a stream
}

func newResponseWriter(w http.ResponseWriter, keepAlive time.Duration) *responseWriter {
	return &responseWriter{inner: w, control: http.NewResponseController(w), keepAlive: keepAlive}
}

// Header returns the headers of the answer.
func (w *responseWriter) Header() http.Header { return w.inner.Header() }

// CanStream is true: net/http can. Behind a writer that cannot, a stream arrives in one piece.
func (w *responseWriter) CanStream() bool { return true }

// WriteHeader begins the answer.
func (w *responseWriter) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(status)
}

func (w *responseWriter) begin(status int) {
	if w.begun {
		return
	}
	w.begun = true
	h := w.inner.Header()
	if strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") {
		h.Set("X-Accel-Buffering", "no")
		h.Set("Cache-Control", "no-store")
		w.pulse = time.AfterFunc(w.keepAlive, w.beat)
	}
	w.inner.WriteHeader(status)
}

// Write writes a part of the answer. mcp-go writes each event whole.
func (w *responseWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(http.StatusOK)
	return w.write(p)
}

func (w *responseWriter) write(p []byte) (int, error) {
	if w.pulse != nil {
		_ = w.control.SetWriteDeadline(time.Now().Add(stallTimeout)) //nolint:forbidigo // deadlines of a connection go by the real clock
		w.pulse.Reset(w.keepAlive)
	}
	return w.inner.Write(p)
}

// Flush sends what has been written.
func (w *responseWriter) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.control.Flush()
}

// beat writes a comment, which readers of event streams skip.
func (w *responseWriter) beat() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.finished {
		return
	}
	if _, err := w.write([]byte(": keep-alive\n\n")); err == nil {
		_ = w.control.Flush()
	}
}

// started reports whether the client has been told anything.
func (w *responseWriter) started() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun
}

// finish stops the pulse. Nothing may be written once a handler has returned, and the next answer on the connection is
// not to inherit a deadline.
func (w *responseWriter) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finished = true
	if w.pulse != nil {
		w.pulse.Stop()
		_ = w.control.SetWriteDeadline(time.Time{})
	}
}
