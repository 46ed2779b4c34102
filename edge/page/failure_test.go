package page

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func TestProblemsFollowTheReasonThenTheCode(t *testing.T) {
	foreign, err := status.New(codes.Internal, "x").WithDetails(&errdetails.ErrorInfo{Domain: "other", Reason: "wrong_browser"})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		err    error
		status int
		kind   string
	}{
		"unknown client":      {coreError(codes.InvalidArgument, "invalid_client"), 400, "unknown-client"},
		"client at another":   {coreError(codes.Unauthenticated, "invalid_client"), 400, "unknown-client"},
		"foreign redirect":    {coreError(codes.InvalidArgument, "invalid_redirect_uri"), 400, "unknown-client"},
		"other bad request":   {coreError(codes.InvalidArgument, "invalid_request"), 400, "status-400"},
		"validation":          {status.Error(codes.InvalidArgument, "x"), 400, "status-400"},
		"expired":             {coreError(codes.NotFound, "transaction_expired"), 400, "expired"},
		"used":                {coreError(codes.FailedPrecondition, "transaction_used"), 400, "used"},
		"unfinished":          {coreError(codes.FailedPrecondition, "transaction_failed"), 400, "unfinished"},
		"wrong browser":       {coreError(codes.PermissionDenied, "wrong_browser"), 403, "wrong-browser"},
		"no access":           {coreError(codes.PermissionDenied, "access_denied"), 403, "denied"},
		"untrusted answer":    {coreError(codes.PermissionDenied, "untrusted_provider"), 403, "untrusted"},
		"not allowed":         {status.Error(codes.PermissionDenied, "x"), 403, "status-403"},
		"outage":              {coreError(codes.Unavailable, "temporarily_unavailable"), 503, "unavailable"},
		"timeout":             {status.FromContextError(context.DeadlineExceeded).Err(), 503, "unavailable"},
		"limit":               {coreError(codes.ResourceExhausted, "temporarily_unavailable"), 429, "status-429"},
		"edge not authorized": {status.Error(codes.Unauthenticated, "x"), 500, "status-500"},
		"internal":            {status.Error(codes.Internal, "x"), 500, "status-500"},
		"other domain":        {foreign.Err(), 500, "status-500"},
		"no status":           {errors.New("x"), 500, "status-500"},
	} {
		t.Run(name, func(t *testing.T) {
			got, retry := problemOf(test.err)
			if got.Status != test.status || got.Kind != test.kind {
				t.Errorf("status %d, kind %q", got.Status, got.Kind)
			}
			if wait := test.status == 503 || test.status == 429; wait != (retry > 0) {
				t.Errorf("try again after %v", retry)
			}
		})
	}
}

func TestFaultsAreLoggedOnceAndRefusalsNever(t *testing.T) {
	for reason, test := range map[string]struct {
		code  codes.Code
		lines int
	}{
		"transaction_expired":     {codes.NotFound, 0},
		"temporarily_unavailable": {codes.Unavailable, 1},
		"server_error":            {codes.Internal, 1},
	} {
		s := newSite(t)
		s.consent = func(*gatehousev1.GetConsentRequest) (*gatehousev1.GetConsentResponse, error) {
			return nil, coreError(test.code, reason)
		}
		s.get(t, "/consent?txn=h4ndle")
		if got := strings.Count(s.log.String(), "\n"); got != test.lines {
			t.Errorf("%s: %d lines", reason, got)
		}
		if strings.Contains(s.log.String(), "h4ndle") {
			t.Errorf("%s: the log holds the handle", reason)
		}
	}
}

func TestErrorServesOtherRooms(t *testing.T) {
	for _, code := range []int{400, 403, 404, 405, 413, 414, 415, 421, 429, 431, 500, 502, 503} {
		s := newSite(t)
		w := httptest.NewRecorder()
		w.Header().Set("Retry-After", "7")
		r := httptest.NewRequestWithContext(requestlog.WithID(t.Context(), "req-1"), http.MethodGet, "/", nil)
		s.pages.Error(w, r, code)
		res := answerOf(w)
		doc := parseHTML(t, res)
		if res.StatusCode != code || res.Header.Get("Retry-After") != "7" || res.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%d: status %d, %v", code, res.StatusCode, res.Header)
		}
		if doc.text("reference") != "req-1" || doc.text("text") == "" {
			t.Errorf("%d: reference %q, text %q", code, doc.text("reference"), doc.text("text"))
		}
	}
}

func TestNoRandomnessIsAFault(t *testing.T) {
	s := newSite(t, func(d *Deps) { d.Random = strings.NewReader("short") })
	res := s.get(t, "/consent?txn=t1")
	if res.StatusCode != http.StatusInternalServerError || len(res.Cookies()) != 0 {
		t.Errorf("status %d, cookies %v", res.StatusCode, res.Cookies())
	}
}
