package verifier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	"github.com/gatehouse-auth/gatehouse/edge/verifier/verifiertest"
)

const (
	bareChallenge     = `Bearer resource_metadata="` + metadataURL + `", scope="mcp"`
	inactiveChallenge = `Bearer error="invalid_token", error_description="The access token is not valid. Get a new one.", ` +
		`resource_metadata="` + metadataURL + `", scope="mcp"`
	repeatedChallenge = `Bearer error="invalid_request", error_description="The request has more than one Authorization header.", ` +
		`resource_metadata="` + metadataURL + `", scope="mcp"`
	scopeChallenge = `Bearer error="insufficient_scope", ` +
		`error_description="The access token does not carry all that this request needs.", ` +
		`resource_metadata="` + metadataURL + `", scope="mcp"`
)

// Covers verify-challenge and verify-authz-header, and the MCP resource rows of the error contract.
func TestMiddlewareAnswersWhatItRefuses(t *testing.T) {
	narrow := ada()
	narrow.Scopes = []string{"profile"}
	foreign := ada()
	foreign.Resource = "https://other.example.com/mcp"
	expired := ada()
	expired.ExpireTime = start

	tests := map[string]struct {
		target    string
		header    http.Header
		outage    error
		status    int
		challenge string
		body      string
	}{
		"nothing":             {"/mcp", nil, nil, 401, bareChallenge, ""},
		"token in the query":  {"/mcp?access_token=good", nil, nil, 401, bareChallenge, ""},
		"token in a cookie":   {"/mcp", http.Header{"Cookie": {"access_token=good"}}, nil, 401, bareChallenge, ""},
		"another scheme":      {"/mcp", http.Header{"Authorization": {"Basic Z29vZDo="}}, nil, 401, bareChallenge, ""},
		"two headers":         {"/mcp", http.Header{"Authorization": {"Bearer good", "Bearer good"}}, nil, 400, repeatedChallenge, "invalid_request"},
		"bad characters":      {"/mcp", http.Header{"Authorization": {"Bearer good,"}}, nil, 401, inactiveChallenge, "invalid_token"},
		"unknown token":       {"/mcp", http.Header{"Authorization": {"Bearer nobody"}}, nil, 401, inactiveChallenge, "invalid_token"},
		"another resource":    {"/mcp", http.Header{"Authorization": {"Bearer foreign"}}, nil, 401, inactiveChallenge, "invalid_token"},
		"expired":             {"/mcp", http.Header{"Authorization": {"Bearer expired"}}, nil, 401, inactiveChallenge, "invalid_token"},
		"lacks a scope":       {"/mcp", http.Header{"Authorization": {"Bearer narrow"}}, nil, 403, scopeChallenge, "insufficient_scope"},
		"core away":           {"/mcp", http.Header{"Authorization": {"Bearer good"}}, status.Error(codes.Unavailable, "dial tcp 10.0.0.1"), 503, "", "temporarily_unavailable"},
		"hostile path":        {"/mcp%0d%0aX:%22%5c", nil, nil, 401, bareChallenge, ""},
		"hostile host header": {"http://evil.example/mcp", nil, nil, 401, bareChallenge, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			core := verifiertest.NewClient(clock)
			core.Issue("good", ada())
			core.Issue("narrow", narrow)
			core.Issue("foreign", foreign)
			core.Issue("expired", expired)
			core.Fail(tt.outage)
			handler := verifier.New(core, config(), verifier.WithClock(clock)).Middleware(mustNotRun(t))

			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"} {
				r := httptest.NewRequest(method, tt.target, strings.NewReader("access_token=good"))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				maps.Copy(r.Header, tt.header)
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)

				if w.Code != tt.status {
					t.Errorf("%s: status %d, want %d", method, w.Code, tt.status)
				}
				if got := w.Header().Get("WWW-Authenticate"); got != tt.challenge {
					t.Errorf("%s: challenge\n %s, want\n %s", method, got, tt.challenge)
				}
				if tt.body != "" && !strings.Contains(w.Body.String(), `"error":"`+tt.body+`"`) {
					t.Errorf("%s: body %s", method, w.Body)
				}
				if strings.Contains(w.Body.String(), "10.0.0.1") {
					t.Errorf("%s: internal text reaches the client: %s", method, w.Body)
				}
				if got := w.Header().Get("Retry-After"); (tt.status == 503) != (got == "2") {
					t.Errorf("%s: Retry-After %q", method, got)
				}
				if w.Header().Get("Cache-Control") != "no-store" {
					t.Errorf("%s: a refusal may be cached", method)
				}
			}
		})
	}
}

func mustNotRun(t *testing.T) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("an unverified request reached the handler")
	})
}

func TestChallengeNamesTheScopesToAskFor(t *testing.T) {
	c := config()
	c.ChallengeScopes = []string{"mcp", "profile"}
	w := httptest.NewRecorder()
	verifier.New(verifiertest.NewClient(clock), c).WriteError(w, verifier.ErrNoCredentials)
	want := `Bearer resource_metadata="` + metadataURL + `", scope="mcp profile"`
	if got := w.Header().Get("WWW-Authenticate"); got != want {
		t.Errorf("got %s", got)
	}
}

func TestChallengeWithoutConfigurationIsStillAChallenge(t *testing.T) {
	w := httptest.NewRecorder()
	verifier.New(verifiertest.NewClient(clock), verifier.Config{}).WriteError(w, verifier.ErrNoCredentials)
	if got := w.Header().Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("got %q", got)
	}
}

// Covers mcp-passthrough.
func TestMiddlewareHandsOverThePrincipalAndNotTheToken(t *testing.T) {
	core := verifiertest.NewClient(clock)
	core.Issue("s3cret", ada())
	ran := false
	handler := verifier.New(core, config(), verifier.WithClock(clock)).Middleware(
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ran = true
			p, ok := verifier.PrincipalFrom(r.Context())
			if !ok || p.Subject() != "user-ada" {
				t.Errorf("principal %v, %v", p, ok)
			}
			if r.Header.Get("X-Other") != "kept" {
				t.Error("another header is gone")
			}
			for _, printed := range []string{
				fmt.Sprint(r.Header), fmt.Sprintf("%v", r.Context()), fmt.Sprintf("%+v", r.Context()), fmt.Sprintf("%#v", r.Context()),
			} {
				if strings.Contains(printed, "s3cret") {
					t.Errorf("the handler can see the token: %s", printed)
				}
			}
		}))
	r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
	r.Header.Set("Authorization", "Bearer s3cret")
	r.Header.Set("X-Other", "kept")
	handler.ServeHTTP(httptest.NewRecorder(), r)

	if !ran {
		t.Error("a good token was refused")
	}
	if r.Header.Get("Authorization") == "" {
		t.Error("the request of the caller was changed")
	}
}

func TestNoPrincipalWithoutMiddleware(t *testing.T) {
	if p, ok := verifier.PrincipalFrom(t.Context()); ok || p.Subject() != "" {
		t.Errorf("got %v", p)
	}
}

func TestOutagesAreLoggedOnceAndWithoutTheToken(t *testing.T) {
	var log bytes.Buffer
	core := verifiertest.NewClient(clock)
	core.Fail(errors.New("connection refused"))
	handler := verifier.New(core, config(), verifier.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).Middleware(mustNotRun(t))
	r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
	r.Header.Set("Authorization", "Bearer s3cret")
	handler.ServeHTTP(httptest.NewRecorder(), r)

	if got := log.String(); strings.Count(got, "connection refused") != 1 || strings.Contains(got, "s3cret") {
		t.Errorf("logged %q", got)
	}
}

func TestAClientThatLeavesIsNoOutage(t *testing.T) {
	var log bytes.Buffer
	handler := verifier.New(verifiertest.NewClient(clock), config(), verifier.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).
		Middleware(mustNotRun(t))
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/mcp", io.NopCloser(strings.NewReader("")))
	r.Header.Set("Authorization", "Bearer good")
	handler.ServeHTTP(httptest.NewRecorder(), r)

	if log.Len() > 0 {
		t.Errorf("logged %q", log.String())
	}
}
