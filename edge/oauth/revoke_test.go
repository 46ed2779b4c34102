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

func TestRevocationReachesTheCoreAndAnswersNothing(t *testing.T) {
	g := newRig(t, nil)
	for _, tc := range []struct {
		name, body string
		basic      []string
		want       *gatehousev1.RevokeTokenRequest
	}{
		{
			"public client", "token=t%2B1&token_type_hint=refresh_token&client_id=c", nil,
			&gatehousev1.RevokeTokenRequest{Token: "t+1", TokenTypeHint: "refresh_token", ClientId: "c"},
		},
		{
			"client_secret_post", "token=t&client_id=c&client_secret=s", nil,
			&gatehousev1.RevokeTokenRequest{Token: "t", ClientId: "c", ClientSecret: "s"},
		},
		{"client_secret_basic", "token=t", []string{"Basic YTpi"}, &gatehousev1.RevokeTokenRequest{Token: "t"}},
		{"unknown hint", "token=t&token_type_hint=x&client_id=c", nil, &gatehousev1.RevokeTokenRequest{Token: "t", TokenTypeHint: "x", ClientId: "c"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var header []string
			for _, value := range tc.basic {
				header = append(header, "Authorization", value)
			}
			w := g.post("/revoke", tc.body, header...)
			if w.Code != 200 || w.Body.String() != "{}" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %s, Cache-Control %q", w.Code, w.Body, w.Header().Get("Cache-Control"))
			}
			got, md := g.core.asked()
			if d := cmp.Diff(proto.Message(tc.want), got, protocmp.Transform()); d != "" {
				t.Error(d)
			}
			if !slices.Equal(md.Get("authorization"), tc.basic) {
				t.Errorf("authorization = %v", md.Get("authorization"))
			}
		})
	}
}

// threats: rev-storage-error
func TestRevocationThatIsNotRecordedIsNotAcknowledged(t *testing.T) {
	w := newRig(t, outage(codes.Unavailable, 1500*time.Millisecond)).post("/revoke", "token=t&client_id=c")
	expect(t, w, 503, "temporarily_unavailable")
	if got := w.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After = %q", got)
	}
}

func TestRevocationTakesAFormAndNothingElse(t *testing.T) {
	g := newRig(t, nil)
	expect(t, g.do("POST", "/revoke", `{"token":"t"}`, "Content-Type", "application/json"), 415, "invalid_request")
	expect(t, g.post("/revoke?token=t", ""), 400, "invalid_request")
	expect(t, g.post("/revoke", "token=t&token=u"), 400, "invalid_request")
	if got, _ := g.core.asked(); got != nil {
		t.Errorf("the core was asked: %v", got)
	}
	refused := newRig(t, verdict(codes.Unauthenticated, "invalid_client", "m"))
	expect(t, refused.post("/revoke", "token=t&client_id=x"), 401, "invalid_client")
}
