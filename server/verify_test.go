package server_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func TestVerdictDependsOnResourceAndScope(t *testing.T) {
	r := newRig(t)
	token := r.login(t).GetAccessToken()
	for name, test := range map[string]struct {
		request *gatehousev1.VerifyTokenRequest
		want    gatehousev1.InactiveReason
	}{
		"good":             {&gatehousev1.VerifyTokenRequest{Resource: resource}, 0},
		"with its scope":   {&gatehousev1.VerifyTokenRequest{Resource: resource, RequiredScopes: []string{"mcp"}}, 0},
		"another resource": {&gatehousev1.VerifyTokenRequest{Resource: issuer}, gatehousev1.InactiveReason_INACTIVE_REASON_AUDIENCE},
		"a trailing slash": {&gatehousev1.VerifyTokenRequest{Resource: resource + "/"}, gatehousev1.InactiveReason_INACTIVE_REASON_AUDIENCE},
		"a missing scope":  {&gatehousev1.VerifyTokenRequest{Resource: resource, RequiredScopes: []string{"mcp", "admin"}}, gatehousev1.InactiveReason_INACTIVE_REASON_INSUFFICIENT_SCOPE},
	} {
		for _, freshness := range []gatehousev1.Freshness{0, gatehousev1.Freshness_FRESHNESS_CACHED, gatehousev1.Freshness_FRESHNESS_STRICT} {
			test.request.Token, test.request.Freshness = token, freshness
			verdict, err := r.VerifyToken(t.Context(), test.request)
			if err != nil {
				t.Fatal(err)
			}
			if verdict.GetActive() != (test.want == 0) || verdict.GetReason() != test.want {
				t.Errorf("%s, %s: %v", name, freshness, verdict)
			}
			if !verdict.GetActive() && (verdict.GetSubject() != "" || verdict.GetIdentity() != nil) {
				t.Errorf("%s: an inactive token tells %v", name, verdict)
			}
		}
	}
}

func TestVerifyWithoutAResourceIsAnError(t *testing.T) {
	r := newRig(t)
	_, err := r.VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{Token: "x"})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("err = %v", err)
	}
}

func TestForeignTokensAreInactive(t *testing.T) {
	r, other := newRig(t), newRig(t)
	tokens := r.login(t)
	parts := strings.Split(tokens.GetAccessToken(), ".")
	provider, err := upstream.NewOIDC(r.idp.Config(issuer + "/auth/callback"))
	if err != nil {
		t.Fatal(err)
	}
	login := r.idp.LogIn(t, provider, "alice")
	for name, token := range map[string]string{
		"empty":               "",
		"garbage":             "garbage",
		"dots":                strings.Repeat(".", 1000),
		"a megabyte":          strings.Repeat("a", 1<<16),
		"another instance's":  other.login(t).GetAccessToken(),
		"the provider's":      login.Tokens.AccessToken.Reveal(),
		"the provider's id":   login.Tokens.IDToken.Reveal(),
		"a refresh token":     tokens.GetRefreshToken(),
		"without signature":   parts[0] + "." + parts[1] + ".",
		"a changed payload":   parts[0] + "." + parts[1] + "A." + parts[2],
		"a line break inside": parts[0] + "." + parts[1] + ".\n" + parts[2],
	} {
		verdict, err := r.VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{Token: token, Resource: resource})
		if err != nil || verdict.GetActive() || verdict.GetReason() == 0 {
			t.Errorf("%s: %v, %v", name, verdict, err)
		}
	}
}

func TestTokenOfAKeyThatAnotherReplicaJustMadeIsGood(t *testing.T) {
	dir := t.TempDir()
	one, two := newRigIn(t, dir), &rig{}
	two.idp, two.clock = one.idp, one.clock
	two.start(t, dir)
	if _, err := one.admin.RotateKeys(t.Context(), &gatehousev1.RotateKeysRequest{Immediately: true}); err != nil {
		t.Fatal(err)
	}
	if verdict := two.verify(t, one.login(t).GetAccessToken()); !verdict.GetActive() {
		t.Errorf("verdict = %v", verdict)
	}
}

func TestTokenExpires(t *testing.T) {
	r := newRig(t, "GATEHOUSE_ACCESS_TOKEN_TTL=10m")
	token := r.login(t).GetAccessToken()
	if !r.verify(t, token).GetActive() {
		t.Fatal("not active")
	}
	r.clock.Advance(10*time.Minute - time.Second)
	if !r.verify(t, token).GetActive() {
		t.Error("not active one second before it expires")
	}
	r.clock.Advance(time.Second)
	if verdict := r.verify(t, token); verdict.GetReason() != gatehousev1.InactiveReason_INACTIVE_REASON_EXPIRED {
		t.Errorf("expired: %v", verdict)
	}
}

func TestRevocationShowsAtOnce(t *testing.T) {
	r := newRig(t)
	first, second := r.login(t).GetAccessToken(), r.login(t).GetAccessToken()
	grant := r.verify(t, first).GetGrantId()
	r.verify(t, second)
	revoked, err := r.admin.RevokeGrants(t.Context(), &gatehousev1.RevokeGrantsRequest{
		Selector: &gatehousev1.RevokeGrantsRequest_GrantId{GrantId: grant},
	})
	if err != nil || revoked.GetRevokedGrants() != 1 {
		t.Fatalf("revoke: %v, %v", revoked, err)
	}
	if verdict := r.verify(t, first); verdict.GetReason() != gatehousev1.InactiveReason_INACTIVE_REASON_REVOKED {
		t.Errorf("revoked: %v", verdict)
	}
	if !r.verify(t, second).GetActive() {
		t.Error("another login of the same user ended too")
	}
}

func TestTokenEndsWhenTheProviderRefusesToRenew(t *testing.T) {
	r := newRig(t)
	token := r.login(t).GetAccessToken()
	r.idp.SetFault(upstreamtest.Token, upstreamtest.OAuthError(400, "invalid_grant"))
	r.clock.Advance(5 * time.Minute)
	for _, want := range []gatehousev1.InactiveReason{
		gatehousev1.InactiveReason_INACTIVE_REASON_UPSTREAM, gatehousev1.InactiveReason_INACTIVE_REASON_REVOKED,
	} {
		if verdict := r.verify(t, token); verdict.GetReason() != want {
			t.Errorf("verdict = %v, want %s", verdict, want)
		}
	}
}

func TestStoreDownIsAnErrorAndNotAVerdict(t *testing.T) {
	r := newRig(t)
	token := r.login(t).GetAccessToken()
	if err := r.core.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := r.VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{
		Token: token, Resource: resource, Freshness: gatehousev1.Freshness_FRESHNESS_STRICT,
	})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("err = %v", err)
	}
	clientID := "any"
	_, err = r.ExchangeToken(t.Context(), tokenRequest(clientID, "code"))
	wantReason(t, err, "temporarily_unavailable")
}
