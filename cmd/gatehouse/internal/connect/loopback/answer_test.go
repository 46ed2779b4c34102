package loopback

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	state  = "the-state"
	issuer = "https://as.example.com"
)

func TestAnswer(t *testing.T) {
	tests := []struct {
		name         string
		query        string
		required     bool // the server says that it always sends iss
		wantCode     string
		wantErr      string // part of the outcome
		wantRefusal  string
		wantFollowUp bool // the login still waits afterwards
		wantPage     string
		wantStatus   int
	}{
		{name: "a code", query: "code=c&state=the-state&iss=https://as.example.com", required: true, wantCode: "c", wantPage: "done", wantStatus: 200},
		{name: "a code of a server that never sends iss", query: "code=c&state=the-state", wantCode: "c", wantPage: "done", wantStatus: 200},
		{name: "no state", query: "code=c&iss=https://as.example.com", wantFollowUp: true, wantPage: "foreign", wantStatus: 400},
		{name: "another state", query: "code=c&state=other", wantFollowUp: true, wantPage: "foreign", wantStatus: 400},
		{name: "a longer state", query: "code=c&state=the-state1", wantFollowUp: true, wantPage: "foreign", wantStatus: 400},
		{name: "two states", query: "code=c&state=the-state&state=the-state", wantFollowUp: true, wantPage: "foreign", wantStatus: 400},
		{name: "an error of another login", query: "error=access_denied&state=other", wantFollowUp: true, wantPage: "foreign", wantStatus: 400},
		{name: "another issuer", query: "code=c&state=the-state&iss=https://evil.example.com", wantErr: "RFC 9207", wantPage: "failed", wantStatus: 400},
		{name: "an issuer that differs by a slash", query: "code=c&state=the-state&iss=https://as.example.com/", wantErr: "RFC 9207", wantPage: "failed", wantStatus: 400},
		{name: "two issuers", query: "code=c&state=the-state&iss=https://as.example.com&iss=https://as.example.com", wantErr: "RFC 9207", wantPage: "failed", wantStatus: 400},
		{name: "an empty issuer", query: "code=c&state=the-state&iss=", wantErr: "RFC 9207", wantPage: "failed", wantStatus: 400},
		{name: "no issuer although announced", query: "code=c&state=the-state", required: true, wantErr: "RFC 9207", wantPage: "failed", wantStatus: 400},
		{name: "the text of another issuer's error is not shown", query: "error=x&error_description=call+me&state=the-state&iss=https://evil.example.com", wantErr: "RFC 9207", wantPage: "failed", wantStatus: 400},
		{name: "the user said no", query: "error=access_denied&state=the-state&iss=https://as.example.com", wantRefusal: "access_denied", wantErr: "access_denied", wantPage: "denied", wantStatus: 200},
		{name: "another error", query: "error=server_error&error_description=try+<b>+later&state=the-state", wantRefusal: "server_error", wantErr: "try <b> later", wantPage: "failed", wantStatus: 400},
		{name: "an error and a code", query: "error=x&code=c&state=the-state", wantRefusal: "invalid_response", wantErr: "neither", wantPage: "failed", wantStatus: 400},
		{name: "two codes", query: "code=c&code=d&state=the-state", wantRefusal: "invalid_response", wantErr: "neither", wantPage: "failed", wantStatus: 400},
		{name: "nothing", query: "state=the-state", wantRefusal: "invalid_response", wantErr: "neither", wantPage: "failed", wantStatus: 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var redeemed string
			r := newReceiver(test.required, func(_ context.Context, code string) error {
				redeemed = code
				return nil
			})
			response := r.visit(test.query)
			if redeemed != test.wantCode {
				t.Errorf("redeemed %q, want %q", redeemed, test.wantCode)
			}
			checkPage(t, response, test.wantStatus, test.wantPage)
			outcome, over := r.result()
			if over == test.wantFollowUp {
				t.Fatalf("the login is over: %v", over)
			}
			checkOutcome(t, outcome, test.wantErr, test.wantRefusal)
		})
	}
}

func TestAnswerIsTakenOnce(t *testing.T) {
	redeemed := 0
	r := newReceiver(false, func(context.Context, string) error {
		redeemed++
		return nil
	})
	checkPage(t, r.visit("code=c&state=the-state"), http.StatusOK, "done")
	checkPage(t, r.visit("code=c&state=the-state"), http.StatusConflict, "again")
	if redeemed != 1 {
		t.Errorf("redeemed %d times", redeemed)
	}
}

func TestPageTellsThatTheCodeWasNotRedeemed(t *testing.T) {
	r := newReceiver(false, func(context.Context, string) error { return errors.New("invalid_grant <script>") })
	response := r.visit("code=c&state=the-state")
	checkPage(t, response, http.StatusBadRequest, "failed")
	if body := response.Body.String(); !strings.Contains(body, "invalid_grant &lt;script&gt;") {
		t.Errorf("the page does not tell the reason: %s", body)
	}
	outcome, _ := r.result()
	checkOutcome(t, outcome, "invalid_grant", "")
}

func newReceiver(issuerRequired bool, redeem Redeem) *receiver {
	return &receiver{
		want:    Expectation{State: state, Issuer: issuer, IssuerRequired: issuerRequired},
		redeem:  redeem,
		outcome: make(chan error, 1),
	}
}

func (r *receiver) visit(query string) *httptest.ResponseRecorder {
	response := httptest.NewRecorder()
	r.ServeHTTP(response, httptest.NewRequest(http.MethodGet, path+"?"+query, nil))
	return response
}

// result is the outcome of a login that is over.
func (r *receiver) result() (error, bool) {
	select {
	case err := <-r.outcome:
		return err, true
	default:
		return nil, false
	}
}

func checkPage(t *testing.T, response *httptest.ResponseRecorder, status int, kind string) {
	t.Helper()
	if response.Code != status || !strings.Contains(response.Body.String(), `data-test="`+kind+`"`) {
		t.Errorf("got %d %s, want %d with the page %s", response.Code, response.Body, status, kind)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		if got := response.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func checkOutcome(t *testing.T, outcome error, part, refusal string) {
	t.Helper()
	if part == "" {
		if outcome != nil {
			t.Errorf("outcome %v", outcome)
		}
		return
	}
	if outcome == nil || !strings.Contains(outcome.Error(), part) {
		t.Fatalf("outcome %v, want one with %q", outcome, part)
	}
	if strings.Contains(outcome.Error(), "call me") {
		t.Errorf("the outcome repeats what a stranger wrote: %v", outcome)
	}
	got, ok := errors.AsType[*Refusal](outcome)
	if ok != (refusal != "") || ok && got.Code != refusal {
		t.Errorf("outcome %#v, want a refusal %q", outcome, refusal)
	}
}
