package upstream_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func TestRevocationFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault upstreamtest.Fault
		want  upstream.Kind
	}{
		"200":                        {jsonBody(""), ""},
		"200 with whatever":          {upstreamtest.OAuthError(200, "invalid_token"), ""},
		"400 unsupported_token_type": {upstreamtest.OAuthError(400, "unsupported_token_type"), ""},
		"400 invalid_token":          {upstreamtest.OAuthError(400, "invalid_token"), upstream.KindInvalidGrant},
		"400 invalid_grant":          {upstreamtest.OAuthError(400, "invalid_grant"), upstream.KindInvalidGrant},
		"400 invalid_client":         {upstreamtest.OAuthError(400, "invalid_client"), upstream.KindMisconfigured},
		"400 unauthorized_client":    {upstreamtest.OAuthError(400, "unauthorized_client"), upstream.KindMisconfigured},
		"400 invalid_request":        {upstreamtest.OAuthError(400, "invalid_request"), upstream.KindRejected},
		"400 with a page":            {upstreamtest.Status(400), upstream.KindRejected},
		"400 naming it in a list":    {upstreamtest.Body(400, "application/json", `["unsupported_token_type"]`), upstream.KindRejected},
		"401 invalid_client":         {upstreamtest.OAuthError(401, "invalid_client"), upstream.KindMisconfigured},
		"401 with a page":            {upstreamtest.Status(401), upstream.KindMisconfigured},
		"403":                        {upstreamtest.Status(403), upstream.KindRejected},
		"404":                        {upstreamtest.Status(404), upstream.KindRejected},
		"429":                        {upstreamtest.Status(429), upstream.KindUnavailable},
		"500 invalid_token":          {upstreamtest.OAuthError(500, "invalid_token"), upstream.KindUnavailable},
		"503":                        {upstreamtest.RetryAfter("60"), upstream.KindUnavailable},
		"reset":                      {upstreamtest.Reset(), upstream.KindUnavailable},
		"truncated":                  {upstreamtest.Truncate("x"), upstream.KindUnavailable},
		"202":                        {upstreamtest.Status(202), upstream.KindGarbage},
		"307 to elsewhere":           {upstreamtest.Redirect("http://127.0.0.1:1/revoke"), upstream.KindGarbage},
		"endless":                    {upstreamtest.Endless(), upstream.KindGarbage},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			tokens := r.LogIn(t, r.provider, "alice").Tokens
			r.SetFault(upstreamtest.Revocation, test.fault)
			err := r.provider.Revoke(t.Context(), tokens)
			wantKind(t, err, test.want)
			if n := r.Requests(upstreamtest.Revocation); n != 1 {
				t.Errorf("sent %d times", n)
			}
			if err != nil {
				wantNoLeak(t, err, tokens.AccessToken, tokens.RefreshToken, r.ClientSecret())
			}
		})
	}
}

func TestRevocationSaysWhichTokenItIs(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*upstream.Tokens)
		token  func(upstream.Tokens) secret.Text
		hint   string
	}{
		"both":            {func(*upstream.Tokens) {}, func(t upstream.Tokens) secret.Text { return t.RefreshToken }, "refresh_token"},
		"no refresh":      {func(t *upstream.Tokens) { t.RefreshToken = secret.Text{} }, func(t upstream.Tokens) secret.Text { return t.AccessToken }, "access_token"},
		"only to refresh": {func(t *upstream.Tokens) { t.AccessToken = secret.Text{} }, func(t upstream.Tokens) secret.Text { return t.RefreshToken }, "refresh_token"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			tokens := r.LogIn(t, r.provider, "alice").Tokens
			test.change(&tokens)
			var token, hint string
			r.SetFault(upstreamtest.Revocation, func(_ http.ResponseWriter, request *http.Request) {
				token, hint = request.PostFormValue("token"), request.PostFormValue("token_type_hint")
			})
			wantKind(t, r.provider.Revoke(t.Context(), tokens), "")
			if token != test.token(tokens).Reveal() || hint != test.hint {
				t.Errorf("it was the wrong token, or the hint %q", hint)
			}
		})
	}
}

func TestNothingToRevokeIsNoRequest(t *testing.T) {
	r := newRig(t)
	wantKind(t, r.provider.Revoke(t.Context(), upstream.Tokens{IDToken: secret.NewText("a.b.c")}), "")
	if n := r.Requests(upstreamtest.Discovery) + r.Requests(upstreamtest.Revocation); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestExpiredTokensCanBeGivenBack(t *testing.T) {
	r := newRig(t)
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	r.clock.Advance(time.Hour)
	wantKind(t, r.provider.Revoke(t.Context(), tokens), "")
	if n := r.Revocations(tokens.RefreshToken); n != 1 {
		t.Errorf("taken back %d times", n)
	}
}
