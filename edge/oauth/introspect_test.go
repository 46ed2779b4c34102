package oauth_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func TestIntrospectionAnswerHasTheFormOfTheRFC(t *testing.T) {
	w := newRig(t, nil).post("/introspect", "token=good", "Authorization", "Basic YTpi")
	want := map[string]any{
		"active": true, "scope": "mcp", "client_id": "c1", "username": "ada", "token_type": "Bearer",
		"exp": 1_800_003_600.0, "iat": 1_800_000_000.0, "sub": "u1", "aud": "http://127.0.0.1:8000/mcp",
		"iss": "http://127.0.0.1:8000", "jti": "j1",
	}
	if d := cmp.Diff(want, members(t, w)); d != "" || w.Code != 200 {
		t.Errorf("%d %s", w.Code, d)
	}
}

// threats: rev-introspect-open. RFC 7662 section 2.2: active is required, and says nothing but that.
func TestWhatIsNotActiveIsSaidInOneWay(t *testing.T) {
	w := newRig(t, nil).post("/introspect", "token=bad", "Authorization", "Basic YTpi")
	if w.Code != 200 || w.Body.String() != `{"active":false}` || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s, Cache-Control %q", w.Code, w.Body, w.Header().Get("Cache-Control"))
	}
}

func TestIntrospectionPassesWhatTheCallerAuthenticatesWith(t *testing.T) {
	g := newRig(t, nil)
	for _, authorization := range []string{"Basic YTpi", "Bearer admin"} {
		g.post("/introspect", "token=t&token_type_hint=access_token&resource=x", "Authorization", authorization)
		got, md := g.core.asked()
		want := &gatehousev1.IntrospectTokenRequest{Token: "t", TokenTypeHint: "access_token"}
		if d := cmp.Diff(proto.Message(want), got, protocmp.Transform()); d != "" || !slices.Equal(md.Get("authorization"), []string{authorization}) {
			t.Errorf("authorization = %v, %s", md.Get("authorization"), d)
		}
	}
	g.post("/introspect", "token=t&client_id=c&client_secret=s")
	got, md := g.core.asked()
	want := &gatehousev1.IntrospectTokenRequest{Token: "t", ClientId: "c", ClientSecret: "s"}
	if d := cmp.Diff(proto.Message(want), got, protocmp.Transform()); d != "" || len(md.Get("authorization")) != 0 {
		t.Errorf("authorization = %v, %s", md.Get("authorization"), d)
	}
}

// RFC 6749 section 5.2, RFC 7662 section 2.3.
func TestARefusedCallerIsChallengedByTheSchemeItUsed(t *testing.T) {
	g := newRig(t, verdict(codes.Unauthenticated, "invalid_client", "m"))
	for _, tc := range []struct{ path, used, want string }{
		{"/introspect", "Basic YTpi", `Basic realm="token endpoint", charset="UTF-8"`},
		{"/introspect", "Bearer x", `Bearer realm="introspection endpoint", error="invalid_token"`},
		{"/introspect", "bearer x", `Bearer realm="introspection endpoint", error="invalid_token"`},
		{"/introspect", "", ""},
		{"/revoke", "Bearer x", `Basic realm="token endpoint", charset="UTF-8"`}, // which takes no bearer token
	} {
		var header []string
		if tc.used != "" {
			header = []string{"Authorization", tc.used}
		}
		w := g.post(tc.path, "token=t", header...)
		expect(t, w, 401, "invalid_client")
		if got := w.Header().Get("WWW-Authenticate"); got != tc.want {
			t.Errorf("%s with %q: WWW-Authenticate = %q", tc.path, tc.used, got)
		}
	}
}

func TestAnOutageIsNotInactive(t *testing.T) {
	w := newRig(t, outage(codes.Unavailable, time.Second)).post("/introspect", "token=good", "Authorization", "Basic YTpi")
	expect(t, w, 503, "temporarily_unavailable")
	if w.Header().Get("Retry-After") != "1" || members(t, w)["active"] != nil {
		t.Errorf("Retry-After = %q: %s", w.Header().Get("Retry-After"), w.Body)
	}
}

func TestIntrospectionTakesAFormAndNothingElse(t *testing.T) {
	g := newRig(t, nil)
	expect(t, g.do("POST", "/introspect", `{"token":"t"}`, "Content-Type", "application/json"), 415, "invalid_request")
	expect(t, g.post("/introspect?token=t", ""), 400, "invalid_request")
	expect(t, g.post("/introspect", "token=t&token=u"), 400, "invalid_request")
	if got, _ := g.core.asked(); got != nil {
		t.Errorf("the core was asked: %v", got)
	}
}
