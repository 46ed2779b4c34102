package oauth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const logoutPath = "/auth/backchannel-logout"

// OpenID Connect Back-Channel Logout 1.0 section 2.8.
func TestLogoutIsAcknowledgedAlsoWhenNothingWasRevoked(t *testing.T) {
	g := newRig(t, nil)
	w := g.post(logoutPath, "logout_token=a.b.c")
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s, Cache-Control %q", w.Code, w.Body, w.Header().Get("Cache-Control"))
	}
	got, _ := g.core.asked()
	want := &gatehousev1.ReceiveLogoutTokenRequest{LogoutToken: "a.b.c"}
	if d := cmp.Diff(proto.Message(want), got, protocmp.Transform()); d != "" {
		t.Error(d)
	}
}

// The token proves itself: nothing that a browser or a client adds may count.
func TestLogoutReadsTheTokenAlone(t *testing.T) {
	g := newRig(t, nil)
	for name, header := range map[string][]string{
		"credentials":          {"Authorization", "Bearer admin"},
		"broken credentials":   {"Authorization", "Basic \xe9"},
		"credentials twice":    {"Authorization", "Basic YTpi", "Authorization", "Basic YTpj"},
		"cookies":              {"Cookie", "gatehouse-account=account.x"},
		"a page's own headers": {"Origin", "https://app.test", "Sec-Fetch-Site", "cross-site"},
	} {
		w := g.post(logoutPath, "logout_token=a.b.c&state=x&sid=y", header...)
		got, md := g.core.asked()
		want := &gatehousev1.ReceiveLogoutTokenRequest{LogoutToken: "a.b.c"}
		if d := cmp.Diff(proto.Message(want), got, protocmp.Transform()); d != "" || w.Code != 200 {
			t.Errorf("%s: %d %s", name, w.Code, d)
		}
		for _, key := range []string{"authorization", "cookie", "origin"} {
			if len(md.Get(key)) != 0 {
				t.Errorf("%s: the core was told %s = %v", name, key, md.Get(key))
			}
		}
	}
}

func TestLogoutTellsABadTokenFromAnOutage(t *testing.T) {
	for name, tc := range map[string]struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		"bad token":               {verdict(codes.InvalidArgument, "invalid_request", "The logout token does not hold."), 400, "invalid_request", ""},
		"none, or one too long":   {status.Error(codes.InvalidArgument, "validation error"), 400, "invalid_request", ""},
		"outage":                  {outage(codes.Unavailable, 1500*time.Millisecond), 503, "temporarily_unavailable", "2"},
		"core that does not help": {status.Error(codes.Unavailable, "canary"), 503, "temporarily_unavailable", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRig(t, tc.err).post(logoutPath, "logout_token=a.b.c", "Authorization", "Basic YTpi")
			expect(t, w, tc.status, tc.code)
			if w.Header().Get("Retry-After") != tc.retryAfter || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("header %v", w.Header())
			}
			if w.Header().Get("WWW-Authenticate") != "" || strings.Contains(w.Body.String(), "canary") {
				t.Errorf("header %v, body %s", w.Header(), w.Body)
			}
		})
	}
}

func TestLogoutTakesASmallFormAndNothingElse(t *testing.T) {
	g := newRig(t, nil)
	expect(t, g.do("POST", logoutPath, `{"logout_token":"a.b.c"}`, "Content-Type", "application/json"), 415, "invalid_request")
	expect(t, g.do("POST", logoutPath, "a.b.c", "Content-Type", "application/logout+jwt"), 415, "invalid_request")
	expect(t, g.post(logoutPath+"?logout_token=a.b.c", ""), 400, "invalid_request")
	expect(t, g.post(logoutPath, "logout_token=a&logout_token=b"), 400, "invalid_request")
	expect(t, g.post(logoutPath, "logout_token="+strings.Repeat("a", 64<<10)), 413, "invalid_request")
	if got, _ := g.core.asked(); got != nil {
		t.Errorf("the core was asked: %v", got)
	}
}
