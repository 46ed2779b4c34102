package upstream_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// tokenBody is a token response without the members that a test adds.
func tokenBody(members string) string {
	return `{"token_type":"Bearer","access_token":"at","id_token":"a.b.c"` + members + `}`
}

func jsonBody(body string) upstreamtest.Fault {
	return upstreamtest.Body(http.StatusOK, "application/json", body)
}

// bomb is a body that inflates to 10 MB, sent to a client that did not ask for compression.
func bomb() upstreamtest.Fault {
	var body bytes.Buffer
	w := gzip.NewWriter(&body)
	_, _ = w.Write(bytes.Repeat([]byte(" "), 10<<20))
	_ = w.Close()
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body.Bytes())
	}
}

// tokenFaults is appendix E of the catalogue, with the faults of cb-upstream-garbage, for the token endpoint.
func tokenFaults() map[string]struct {
	fault upstreamtest.Fault
	want  upstream.Kind
} {
	type row = struct {
		fault upstreamtest.Fault
		want  upstream.Kind
	}
	long := strings.Repeat("x", 17<<10)
	return map[string]row{
		"400 invalid_grant":                {upstreamtest.OAuthError(400, "invalid_grant"), upstream.KindInvalidGrant},
		"401 invalid_grant":                {upstreamtest.OAuthError(401, "invalid_grant"), upstream.KindInvalidGrant},
		"200 bad_refresh_token":            {upstreamtest.OAuthError(200, "bad_refresh_token"), upstream.KindInvalidGrant},
		"200 bad_verification_code":        {upstreamtest.OAuthError(200, "bad_verification_code"), upstream.KindInvalidGrant},
		"401 invalid_client":               {upstreamtest.OAuthError(401, "invalid_client"), upstream.KindMisconfigured},
		"400 invalid_client":               {upstreamtest.OAuthError(400, "invalid_client"), upstream.KindMisconfigured},
		"400 unauthorized_client":          {upstreamtest.OAuthError(400, "unauthorized_client"), upstream.KindMisconfigured},
		"400 invalid_request":              {upstreamtest.OAuthError(400, "invalid_request"), upstream.KindRejected},
		"400 invalid_scope":                {upstreamtest.OAuthError(400, "invalid_scope"), upstream.KindRejected},
		"400 with a page":                  {upstreamtest.Status(400), upstream.KindRejected},
		"400 naming it in a form":          {upstreamtest.Body(400, "application/x-www-form-urlencoded", "error=invalid_grant"), upstream.KindRejected},
		"400 naming it in a list":          {upstreamtest.Body(400, "application/json", `["invalid_grant"]`), upstream.KindRejected},
		"400 naming it twice":              {upstreamtest.Body(400, "application/json", `{"error":"x","error":"invalid_grant"}`), upstream.KindRejected},
		"400 naming it in other case":      {upstreamtest.Body(400, "application/json", `{"Error":"invalid_grant"}`), upstream.KindRejected},
		"403 invalid_grant":                {upstreamtest.OAuthError(403, "invalid_grant"), upstream.KindRejected},
		"404":                              {upstreamtest.Status(404), upstream.KindRejected},
		"429":                              {upstreamtest.Status(429), upstream.KindUnavailable},
		"429 invalid_grant":                {upstreamtest.OAuthError(429, "invalid_grant"), upstream.KindUnavailable},
		"500":                              {upstreamtest.Status(500), upstream.KindUnavailable},
		"500 invalid_grant":                {upstreamtest.OAuthError(500, "invalid_grant"), upstream.KindUnavailable},
		"502":                              {upstreamtest.Status(502), upstream.KindUnavailable},
		"503 with a date to come back":     {upstreamtest.RetryAfter("120"), upstream.KindUnavailable},
		"reset":                            {upstreamtest.Reset(), upstream.KindUnavailable},
		"truncated":                        {upstreamtest.Truncate(tokenBody("")), upstream.KindUnavailable},
		"302 to elsewhere":                 {upstreamtest.Body(302, "text/html", ""), upstream.KindGarbage},
		"307 to elsewhere":                 {upstreamtest.Redirect("http://127.0.0.1:1/token"), upstream.KindGarbage},
		"200 with a page":                  {upstreamtest.Status(200), upstream.KindGarbage},
		"200 invalid_grant":                {upstreamtest.OAuthError(200, "invalid_grant"), upstream.KindGarbage},
		"204":                              {upstreamtest.Body(204, "application/json", ""), upstream.KindGarbage},
		"empty":                            {jsonBody(""), upstream.KindGarbage},
		"null":                             {jsonBody("null"), upstream.KindGarbage},
		"a list":                           {jsonBody("[]"), upstream.KindGarbage},
		"cut JSON that claims to be whole": {jsonBody(`{"access_token":"a`), upstream.KindGarbage},
		"no access token":                  {jsonBody(`{"token_type":"Bearer"}`), upstream.KindGarbage},
		"access token empty":               {jsonBody(`{"token_type":"Bearer","access_token":""}`), upstream.KindGarbage},
		"access token null":                {jsonBody(`{"token_type":"Bearer","access_token":null}`), upstream.KindGarbage},
		"access token a number":            {jsonBody(`{"token_type":"Bearer","access_token":1}`), upstream.KindGarbage},
		"access token under another case":  {jsonBody(`{"token_type":"Bearer","Access_Token":"at"}`), upstream.KindGarbage},
		"access token with a line break":   {jsonBody(`{"token_type":"Bearer","access_token":"a\r\nSet-Cookie: b"}`), upstream.KindGarbage},
		"access token with a blank":        {jsonBody(`{"token_type":"Bearer","access_token":"a b"}`), upstream.KindGarbage},
		"access token not ASCII":           {jsonBody(`{"token_type":"Bearer","access_token":"ä"}`), upstream.KindGarbage},
		"access token too long":            {jsonBody(`{"token_type":"Bearer","access_token":"` + long + `"}`), upstream.KindGarbage},
		"refresh token a list":             {jsonBody(tokenBody(`,"refresh_token":["a"]`)), upstream.KindGarbage},
		"refresh token with a tab":         {jsonBody(tokenBody(`,"refresh_token":"a\tb"`)), upstream.KindGarbage},
		"scope a list":                     {jsonBody(tokenBody(`,"scope":["openid"]`)), upstream.KindGarbage},
		"token type mac":                   {jsonBody(`{"token_type":"mac","access_token":"at"}`), upstream.KindGarbage},
		"token type missing":               {jsonBody(`{"access_token":"at"}`), upstream.KindGarbage},
		"expires_in 1e308":                 {jsonBody(tokenBody(`,"expires_in":1e308`)), upstream.KindGarbage},
		"expires_in a word":                {jsonBody(tokenBody(`,"expires_in":"soon"`)), upstream.KindGarbage},
		"expires_in an object":             {jsonBody(tokenBody(`,"expires_in":{}`)), upstream.KindGarbage},
		"refresh_expires_in a word":        {jsonBody(tokenBody(`,"refresh_expires_in":"soon"`)), upstream.KindGarbage},
		"refresh_expires_in not a number":  {jsonBody(tokenBody(`,"refresh_expires_in":"NaN"`)), upstream.KindGarbage},
		"refresh_expires_in a list":        {jsonBody(tokenBody(`,"refresh_expires_in":[1]`)), upstream.KindGarbage},
		"deeply nested":                    {jsonBody(strings.Repeat(`{"a":`, 12000) + "1" + strings.Repeat("}", 12000)), upstream.KindGarbage},
		"endless":                          {upstreamtest.Endless(), upstream.KindGarbage},
		"just over 64 KB":                  {jsonBody(tokenBody("") + strings.Repeat(" ", 64<<10)), upstream.KindGarbage},
		"gzip bomb":                        {bomb(), upstream.KindGarbage},
		"form where JSON belongs":          {upstreamtest.Body(200, "text/plain", "scope=a"), upstream.KindGarbage},
	}
}

func TestTokenEndpointFaultsAtLogin(t *testing.T) {
	for name, test := range tokenFaults() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			attempt := r.Begin(t, r.provider, "alice")
			r.SetFault(upstreamtest.Token, test.fault)
			login, err := r.provider.Exchange(t.Context(), attempt.Exchange())
			wantKind(t, err, test.want)
			if login.Identity.Subject != "" || !login.Tokens.AccessToken.IsEmpty() {
				t.Error("a failed login gave something away")
			}
			// cb-upstream-authstyle: whatever happened, the code went out once.
			if n := r.Presentations(attempt.Code()); n != 1 {
				t.Errorf("the code was presented %d times", n)
			}
			wantNoLeak(t, err, attempt.Code(), attempt.Request.Verifier, r.ClientSecret())
		})
	}
}

func TestTokenEndpointFaultsAtRenewal(t *testing.T) {
	for name, test := range tokenFaults() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			tokens := r.LogIn(t, r.provider, "alice").Tokens
			r.SetFault(upstreamtest.Token, test.fault)
			login, err := r.provider.Renew(t.Context(), tokens)
			wantKind(t, err, test.want)
			if !login.Tokens.AccessToken.IsEmpty() {
				t.Error("a renewal without an answer has tokens")
			}
			if n := r.Presentations(tokens.RefreshToken); n != 1 {
				t.Errorf("the refresh token was presented %d times", n)
			}
			wantNoLeak(t, err, tokens.RefreshToken, tokens.AccessToken, r.ClientSecret())
			// Nothing that the token endpoint says about a renewal is a verdict on what is stored.
			if err := r.provider.Check(t.Context(), tokens); err != nil {
				t.Errorf("Check: %v", err)
			}
		})
	}
}

// wantNoLeak checks that an error quotes neither secrets nor what the provider wrote.
func wantNoLeak(t *testing.T, err error, secrets ...secret.Text) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(err.Error(), s.Reveal()) {
			t.Errorf("the error has a secret: %v", err)
		}
	}
	for _, text := range []string{"fake page", "fake description", "<html", "Set-Cookie"} {
		if strings.Contains(err.Error(), text) {
			t.Errorf("the error quotes the provider: %v", err)
		}
	}
}

func TestSilentProviderTimesOut(t *testing.T) {
	r := newRig(t, func(c *upstream.OIDCConfig) { c.HTTPClient = &http.Client{Timeout: 50 * time.Millisecond} })
	attempt := r.Begin(t, r.provider, "alice")
	if err := r.provider.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.SetFault(upstreamtest.Token, upstreamtest.Hang())
	_, err := r.provider.Exchange(t.Context(), attempt.Exchange())
	wantKind(t, err, upstream.KindUnavailable)
}

func TestProviderThatIsNotThereIsUnavailable(t *testing.T) {
	for name, issuer := range map[string]string{
		"refused": "http://127.0.0.1:1",
		"no TLS":  "https://127.0.0.1:1",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *upstream.OIDCConfig) { c.Issuer = issuer })
			wantKind(t, r.provider.Ready(t.Context()), upstream.KindUnavailable)
		})
	}
}

func TestRetryAfterIsPassedOnAndCapped(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"120":                           2 * time.Minute,
		"0":                             0,
		"-5":                            0,
		"99999999999999":                5 * time.Minute,
		"soon":                          0,
		"":                              0,
		"Tue, 01 Sep 2026 12:01:00 GMT": time.Minute,
		"Tue, 01 Sep 2026 11:00:00 GMT": 0,
		"Tue, 01 Sep 2099 11:00:00 GMT": 5 * time.Minute,
	} {
		t.Run(value, func(t *testing.T) {
			r := newRig(t)
			attempt := r.Begin(t, r.provider, "alice")
			r.SetFault(upstreamtest.Token, upstreamtest.RetryAfter(value))
			_, err := r.provider.Exchange(t.Context(), attempt.Exchange())
			if got := retryAfter(err); got != want {
				t.Errorf("retry after %v, want %v", got, want)
			}
		})
	}
}
