package loopback

import (
	"context"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"sync/atomic"
)

// receiver answers the browser that brings the answer.
type receiver struct {
	want     Expectation
	redeem   Redeem
	answered atomic.Bool
	outcome  chan error
}

// page is what the browser shows.
type page struct {
	Kind, Heading, Text string
}

//go:embed page.html
var pageSource string

// ServeHTTP takes the first answer that belongs to the question. Its code is redeemed before the page is written, so
// that the page does not promise what fails afterwards.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	code, err := r.want.code(request.URL.Query())
	if errors.Is(err, errForeign) {
		show(w, http.StatusBadRequest, page{
			Kind:    "foreign",
			Heading: "This is not the answer to the login",
			Text:    "It belongs to another one, or to none. The login that is under way is not disturbed.",
		})
		return
	}
	if !r.answered.CompareAndSwap(false, true) {
		show(w, http.StatusConflict, page{
			Kind:    "again",
			Heading: "This login is over",
			Text:    "The answer was here before. The terminal shows how it went.",
		})
		return
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(request.Context()), redeemTimeout)
		err = r.redeem(ctx, code)
		cancel()
	}
	status, answer := result(err)
	show(w, status, answer)
	r.outcome <- err
}

func result(err error) (int, page) {
	if err == nil {
		return http.StatusOK, page{Kind: "done", Heading: "You are signed in", Text: "The terminal goes on by itself."}
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Code == "access_denied" {
		return http.StatusOK, page{Kind: "denied", Heading: "Access denied", Text: "Nothing was shared."}
	}
	return http.StatusBadRequest, page{Kind: "failed", Heading: "The login failed", Text: err.Error()}
}

// show writes a page. The address that it answers has a code in it, so it goes nowhere: no cache, no referrer, and
// nothing is loaded.
func show(w http.ResponseWriter, status int, content page) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	// The port closes right after the last page.
	header.Set("Connection", "close")
	w.WriteHeader(status)
	// A failure to write is a browser that is gone.
	_ = template.Must(template.New("page").Parse(pageSource)).Execute(w, content)
}
