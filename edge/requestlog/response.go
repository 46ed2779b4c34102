package requestlog

import "net/http"

// response counts what a handler writes.
type response struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Status returns the status that the client sees. net/http answers 200 for a handler that wrote nothing.
func (r *response) Status() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// WriteHeader notes the final status. Informational ones (1xx) may come before it.
func (r *response) WriteHeader(status int) {
	if r.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts the body.
func (r *response) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Flush is here because streaming handlers ask for http.Flusher by type. A writer that cannot flush sends later.
func (r *response) Flush() {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	_ = http.NewResponseController(r.ResponseWriter).Flush()
}

// Unwrap gives http.ResponseController the connection.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }
