package edge

import (
	"net/http"
	"time"
)

// stallTimeout is how long one write of an unhurried answer may take.
const stallTimeout = 30 * time.Second

// unhurried lets an answer take as long as it needs: a tool may work for minutes, and a stream has no end. A client that
// has stopped reading is still given up, since every write must be taken in time.
//
// The deadlines belong to the connection, which goes by the real clock; now is that clock.
func unhurried(next http.Handler, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		// A writer without a connection, as in a test, has no deadline to lift.
		_ = control.SetWriteDeadline(time.Time{})
		next.ServeHTTP(&steadyWriter{ResponseWriter: w, control: control, now: now}, r)
		// What ends the answer is written after this, and the deadline of the last write may be long past.
		_ = control.SetWriteDeadline(now().Add(stallTimeout))
	})
}

// steadyWriter gives each write a deadline of its own.
type steadyWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	now     func() time.Time
}

// Write writes in time, or fails.
func (w *steadyWriter) Write(b []byte) (int, error) {
	_ = w.control.SetWriteDeadline(w.now().Add(stallTimeout))
	return w.ResponseWriter.Write(b)
}

// Flush sends what was written, in time. Streaming handlers ask for http.Flusher by type.
func (w *steadyWriter) Flush() {
	_ = w.control.SetWriteDeadline(w.now().Add(stallTimeout))
	_ = w.control.Flush()
}

// Unwrap gives http.ResponseController the connection.
func (w *steadyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
