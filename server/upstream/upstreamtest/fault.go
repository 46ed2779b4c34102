package upstreamtest

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Fault answers in place of an endpoint. The credential in the request has been counted by then.
type Fault func(w http.ResponseWriter, r *http.Request)

// SetFault makes an endpoint fail until it is set to nil.
func (f *FakeIdP) SetFault(endpoint Endpoint, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[endpoint] = fault
}

// Status answers with a status and an HTML page.
func Status(status int) Fault {
	return Body(status, "text/html", "<html><body>fake page</body></html>")
}

// RetryAfter answers 503 and says when to come back.
func RetryAfter(value string) Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", value)
		Status(http.StatusServiceUnavailable)(w, r)
	}
}

// OAuthError answers with an error of RFC 6749 section 5.2.
func OAuthError(status int, code string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) { writeError(w, status, code) }
}

// Body answers with a body as it is.
func Body(status int, contentType, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Redirect answers with a redirect that keeps method and body.
func Redirect(location string) Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, location, http.StatusTemporaryRedirect)
	}
}

// Reset reads the request and cuts the connection without an answer.
func Reset() Fault {
	return func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}
}

// Truncate announces a body, sends part of it and cuts the connection.
func Truncate(body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+100))
		_, _ = io.WriteString(w, body)
		panic(http.ErrAbortHandler)
	}
}

// Endless sends valid JSON white space until the client gives up.
func Endless() Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		blank := strings.Repeat(" ", 1<<12)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, blank); err != nil {
				return
			}
		}
	}
}

// Hang answers nothing until the client gives up.
func Hang() Fault {
	return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
}

// edits change answers that are otherwise right.
type edits struct {
	metadata, keys, userinfo, tokenResponse, introspection func(map[string]any)
	idToken, accessToken                                   func(*Draft)
}

func (edits) apply(edit func(map[string]any), document map[string]any) {
	if edit != nil {
		edit(document)
	}
}

// EditMetadata changes the discovery document from now on; nil stops it. The other edits work alike. An edit runs with
// the provider's lock held and must not call its methods.
func (f *FakeIdP) EditMetadata(edit func(document map[string]any)) {
	f.edit(func(e *edits) { e.metadata = edit })
}

// EditKeys changes the key set.
func (f *FakeIdP) EditKeys(edit func(document map[string]any)) {
	f.edit(func(e *edits) { e.keys = edit })
}

// EditUserinfo changes the userinfo response.
func (f *FakeIdP) EditUserinfo(edit func(document map[string]any)) {
	f.edit(func(e *edits) { e.userinfo = edit })
}

// EditTokenResponse changes the token response.
func (f *FakeIdP) EditTokenResponse(edit func(document map[string]any)) {
	f.edit(func(e *edits) { e.tokenResponse = edit })
}

// EditIntrospection changes what introspections say, also about tokens that are not active.
func (f *FakeIdP) EditIntrospection(edit func(document map[string]any)) {
	f.edit(func(e *edits) { e.introspection = edit })
}

// EditIDToken changes ID tokens before they are signed.
func (f *FakeIdP) EditIDToken(edit func(*Draft)) { f.edit(func(e *edits) { e.idToken = edit }) }

// EditAccessToken changes access tokens before they are signed.
func (f *FakeIdP) EditAccessToken(edit func(*Draft)) { f.edit(func(e *edits) { e.accessToken = edit }) }

func (f *FakeIdP) edit(change func(*edits)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.edits)
}

func writeJSON(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(marshal(document))
}

func writeError(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]any{"error": code, "error_description": "fake description"})
}
