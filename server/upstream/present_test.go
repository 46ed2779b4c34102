package upstream_test

import (
	"net/http"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// challenged answers with a status and a challenge (RFC 6750 section 3).
func challenged(status int, challenges ...string) upstreamtest.Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Www-Authenticate"] = challenges
		upstreamtest.Body(status, "application/json", "")(w, r)
	}
}

// A provider that would not let us introspect the access token shows by accepting it whether it holds. It refuses a token
// in one way only.
func TestAccessTokenThatWeMayNotIntrospectIsUsed(t *testing.T) {
	const refusal = `Bearer realm="test", error="invalid_token", error_description="user_session_not_found"`
	for name, test := range map[string]struct {
		fault upstreamtest.Fault
		want  upstream.Kind
	}{
		"accepted":                        {nil, ""},
		"refused":                         {challenged(401, refusal), upstream.KindNotHeld},
		"refused without quotes":          {challenged(401, `bearer error=invalid_token`), upstream.KindNotHeld},
		"refused by the second challenge": {challenged(401, `Basic realm="a"`, refusal), upstream.KindNotHeld},
		"refused with DPoP":               {challenged(401, `DPoP error="invalid_token"`), upstream.KindRejected},
		"401 without a challenge":         {challenged(401), upstream.KindRejected},
		"401 with an empty challenge":     {challenged(401, `Bearer`), upstream.KindRejected},
		"401 of a proxy":                  {challenged(401, `Basic realm="proxy"`), upstream.KindRejected},
		"401 for another reason":          {challenged(401, `Bearer error="invalid_request"`), upstream.KindRejected},
		"401 with the word in a text":     {challenged(401, `Bearer error_description="error invalid_token"`), upstream.KindRejected},
		"401 with the reason in the body": {upstreamtest.OAuthError(401, "invalid_token"), upstream.KindRejected},
		"403 naming the token":            {challenged(403, refusal), upstream.KindRejected},
		"403 insufficient scope":          {challenged(403, `Bearer error="insufficient_scope"`), upstream.KindRejected},
		"503 naming the token":            {challenged(503, refusal), upstream.KindUnavailable},
		"429":                             {upstreamtest.Status(429), upstream.KindUnavailable},
		"reset":                           {upstreamtest.Reset(), upstream.KindUnavailable},
		"307 to elsewhere":                {upstreamtest.Redirect("http://127.0.0.1:1/"), upstream.KindGarbage},
		"200 with a page":                 {upstreamtest.Status(200), upstream.KindGarbage},
		"200 naming the token":            {challenged(200, refusal), upstream.KindGarbage},
		"no subject":                      {jsonBody(`{"name":"Alice"}`), upstream.KindGarbage},
		"subject empty":                   {jsonBody(`{"sub":""}`), upstream.KindGarbage},
		"subject a number":                {jsonBody(`{"sub":7}`), upstream.KindGarbage},
		"another subject":                 {jsonBody(`{"sub":"mallory"}`), upstream.KindInvalidToken},
		"endless":                         {upstreamtest.Endless(), upstream.KindGarbage},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Configure(func(s *upstreamtest.Settings) { s.OtherAudience = true })
			tokens := r.LogIn(t, r.provider, "alice").Tokens
			r.SetFault(upstreamtest.Userinfo, test.fault)
			err := r.provider.Confirm(t.Context(), tokens)
			wantKind(t, err, test.want)
			// A transport may repeat a GET when the connection breaks.
			if n := r.Requests(upstreamtest.Userinfo); n != 1 && (n != 2 || test.want != upstream.KindUnavailable) {
				t.Errorf("asked %d times", n)
			}
			if n := r.Requests(upstreamtest.Introspection); n != 0 {
				t.Errorf("%d introspections that say nothing", n)
			}
			if err != nil {
				wantNoLeak(t, err, tokens.AccessToken, tokens.RefreshToken, r.ClientSecret())
			}
		})
	}
}

func TestTokenThatCanNeitherBeIntrospectedNorUsedIsChecked(t *testing.T) {
	r := newRig(t)
	r.Configure(func(s *upstreamtest.Settings) { s.OtherAudience = true })
	r.EditMetadata(func(d map[string]any) { delete(d, "userinfo_endpoint") })
	login := r.LogIn(t, r.provider, "alice")
	r.EndSession(login.SessionID)
	wantKind(t, r.provider.Confirm(t.Context(), login.Tokens), "")
	if n := r.Requests(upstreamtest.Userinfo) + r.Requests(upstreamtest.Introspection); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// To everybody but the audience every token is inactive. That is no verdict, and must not log everybody out.
func TestInactiveIsAVerdictForTheAudienceOnly(t *testing.T) {
	for name, test := range map[string]struct {
		audience      any
		introspection int
	}{
		"our id":              {"gatehouse", 1},
		"our id among others": {[]string{"account", "gatehouse"}, 1},
		"another":             {"account", 0},
		"others":              {[]string{"account", "Gatehouse"}, 0},
		"none":                {nil, 0},
		"odd":                 {[]any{"account", 7}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.EditAccessToken(claim("aud", test.audience))
			tokens := r.LogIn(t, r.provider, "alice").Tokens
			wantKind(t, r.provider.Confirm(t.Context(), tokens), "")
			if n := r.Requests(upstreamtest.Introspection); n != test.introspection {
				t.Errorf("%d introspections, want %d", n, test.introspection)
			}
		})
	}
}
