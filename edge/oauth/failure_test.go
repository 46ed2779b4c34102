package oauth_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestErrorContractOfTheTokenEndpoint(t *testing.T) {
	for _, tc := range []struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		{verdict(codes.InvalidArgument, "invalid_request", "m"), 400, "invalid_request", ""},
		{verdict(codes.InvalidArgument, "invalid_grant", "m"), 400, "invalid_grant", ""},
		{verdict(codes.FailedPrecondition, "invalid_grant", "m"), 400, "invalid_grant", ""},
		{verdict(codes.InvalidArgument, "unsupported_grant_type", "m"), 400, "unsupported_grant_type", ""},
		{verdict(codes.InvalidArgument, "unauthorized_client", "m"), 400, "unauthorized_client", ""},
		{verdict(codes.InvalidArgument, "invalid_scope", "m"), 400, "invalid_scope", ""},
		{verdict(codes.InvalidArgument, "invalid_target", "m"), 400, "invalid_target", ""},
		{verdict(codes.Unauthenticated, "invalid_client", "m"), 401, "invalid_client", ""},
		{verdict(codes.InvalidArgument, "invalid_client", "m"), 401, "invalid_client", ""},
		{verdict(codes.PermissionDenied, "access_denied", "m"), 403, "access_denied", ""},
		{outage(codes.Unavailable, 1500*time.Millisecond), 503, "temporarily_unavailable", "2"},
		{outage(codes.ResourceExhausted, time.Minute), 429, "temporarily_unavailable", "60"},
		{verdict(codes.Unavailable, "temporarily_unavailable", "m"), 503, "temporarily_unavailable", "2"},
		{verdict(codes.Internal, "server_error", "m"), 500, "server_error", ""},
	} {
		t.Run(tc.code+" "+status.Code(tc.err).String(), func(t *testing.T) {
			w := newRig(t, tc.err).form("grant_type=authorization_code")
			expect(t, w, tc.status, tc.code)
			if got := w.Header().Get("Retry-After"); got != tc.retryAfter {
				t.Errorf("Retry-After = %q, want %q", got, tc.retryAfter)
			}
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Pragma") != "no-cache" {
				t.Errorf("the answer may be stored: %v", w.Header())
			}
			if got := w.Header().Get("WWW-Authenticate"); got != "" {
				t.Errorf("WWW-Authenticate = %q to a client that did not use it", got)
			}
		})
	}
}

func TestRefusedBasicIsChallenged(t *testing.T) {
	g := newRig(t, verdict(codes.Unauthenticated, "invalid_client", "Client authentication failed."))
	w := g.form("grant_type=authorization_code", "Authorization", "Basic !")
	expect(t, w, 401, "invalid_client")
	if got := w.Header().Get("WWW-Authenticate"); got != `Basic realm="token endpoint", charset="UTF-8"` {
		t.Errorf("WWW-Authenticate = %q", got)
	}
}

// What is no verdict of the core must neither show its text nor look like a verdict: a client that is told
// invalid_grant or invalid_client throws its tokens away.
func TestTextOfUnknownErrorsStaysHere(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		code   string
		level  string // of the log line, empty for none
	}{
		{errors.New("canary"), 500, "server_error", "ERROR"},
		{status.Error(codes.Internal, "canary"), 500, "server_error", "ERROR"},
		{status.Error(codes.Unauthenticated, "canary"), 500, "server_error", "ERROR"},
		{status.Error(codes.PermissionDenied, "canary"), 500, "server_error", "ERROR"},
		{status.Error(codes.Unimplemented, "canary"), 500, "server_error", "ERROR"},
		{status.Error(codes.NotFound, "canary"), 500, "server_error", "ERROR"},
		{status.Error(codes.InvalidArgument, "canary"), 400, "invalid_request", "INFO"},
		{status.Error(codes.Unavailable, "canary"), 503, "temporarily_unavailable", "WARN"},
		{status.Error(codes.DeadlineExceeded, "canary"), 503, "temporarily_unavailable", "WARN"},
		{status.Error(codes.ResourceExhausted, "canary"), 503, "temporarily_unavailable", "WARN"},
		{status.Error(codes.Canceled, "canary"), 503, "temporarily_unavailable", ""},
		{verdict(codes.Internal, "server_error", "canary"), 500, "server_error", ""},
	} {
		t.Run(status.Code(tc.err).String(), func(t *testing.T) {
			g := newRig(t, tc.err)
			w := g.form("grant_type=refresh_token&refresh_token=x", "Authorization", "Basic YTpi")
			expect(t, w, tc.status, tc.code)
			if strings.Contains(w.Body.String(), "canary") {
				t.Errorf("body = %s", w.Body)
			}
			if tc.status == 500 && !strings.Contains(w.Body.String(), "ref1") {
				t.Errorf("no reference in %s", w.Body)
			}
			if tc.status == 503 && w.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if logged := strings.Contains(g.log.String(), "canary"); logged != (tc.level != "") ||
				!strings.Contains(g.log.String(), tc.level) {
				t.Errorf("log = %s, want level %q", g.log, tc.level)
			}
		})
	}
}

func TestDescriptionsKeepToTheirCharacters(t *testing.T) {
	g := newRig(t, verdict(codes.InvalidArgument, "invalid_scope", "Scope \"a\\b\" is unknown.\r\nX: é"))
	w := g.form("scope=x")
	expect(t, w, 400, "invalid_scope")
	if got := members(t, w)["error_description"]; got != "Scope 'a?b' is unknown.??X: ?" {
		t.Errorf("error_description = %q", got)
	}
}

func TestErrorDetailsOfOthersAreNoVerdicts(t *testing.T) {
	err := withDetails(codes.Unauthenticated, "m", &errdetails.ErrorInfo{Domain: "mesh.test", Reason: "invalid_client"})
	expect(t, newRig(t, err).form("code=a"), 500, "server_error")
}

func TestCoreThatDoesNotAnswerInTimeIsUnavailable(t *testing.T) {
	g := newRig(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/token", strings.NewReader("code=a"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	expect(t, w, 503, "temporarily_unavailable")
}
