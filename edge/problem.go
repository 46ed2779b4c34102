package edge

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gatehouse-auth/gatehouse/edge/page"
	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
)

// problems answers the requests that no room takes: people get a page, programs get JSON. All texts are constants.
type problems struct{ pages *page.Pages }

// handler returns a handler that always answers with one status.
func (p problems) handler(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.write(w, r, status) })
}

func (p problems) write(w http.ResponseWriter, r *http.Request, status int) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		p.pages.Error(w, r, status)
		return
	}
	code, description := describe(status)
	if status == http.StatusInternalServerError {
		description += " Reference: " + requestlog.ID(r.Context())
	}
	writeJSON(w, status, map[string]string{"error": code, "error_description": description})
}

// describe returns a code and a text for programs, in the style of OAuth errors.
func describe(status int) (code, description string) {
	switch status {
	case http.StatusNotFound:
		return "not_found", "There is nothing here."
	case http.StatusMethodNotAllowed:
		return "method_not_allowed", "The address does not have this method."
	case http.StatusRequestURITooLong:
		return "uri_too_long", "The URL is longer than this server accepts."
	case http.StatusTooEarly:
		return "too_early", "The request came before the TLS handshake was over. Send it again."
	case http.StatusMisdirectedRequest:
		return "misdirected_request", "This server does not answer under the name that was used."
	default:
		return "server_error", "The server failed."
	}
}

func writeJSON(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone cannot be told
}
