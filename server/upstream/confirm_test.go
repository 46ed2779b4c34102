package upstream_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// verify-fail-open: an introspection is a verdict only when it is a well-formed one.
func TestIntrospectionFaultsAreNoVerdict(t *testing.T) {
	for name, test := range map[string]struct {
		fault upstreamtest.Fault
		want  upstream.Kind
	}{
		"active":                           {jsonBody(`{"active":true}`), ""},
		"active with white space":          {jsonBody(" {\n\"active\" : true }\n"), ""},
		"not active":                       {jsonBody(`{"active":false}`), upstream.KindNotHeld},
		"not active, about another":        {jsonBody(`{"active":false,"sub":"mallory","client_id":"x"}`), upstream.KindNotHeld},
		"active missing":                   {jsonBody(`{}`), upstream.KindGarbage},
		"active missing beside the rest":   {jsonBody(`{"sub":"a","client_id":"gatehouse"}`), upstream.KindGarbage},
		"active null":                      {jsonBody(`{"active":null}`), upstream.KindGarbage},
		"active a string":                  {jsonBody(`{"active":"true"}`), upstream.KindGarbage},
		"active the string false":          {jsonBody(`{"active":"false"}`), upstream.KindGarbage},
		"active a number":                  {jsonBody(`{"active":1}`), upstream.KindGarbage},
		"active a list":                    {jsonBody(`{"active":[true]}`), upstream.KindGarbage},
		"active in other case":             {jsonBody(`{"Active":false}`), upstream.KindGarbage},
		"active twice":                     {jsonBody(`{"active":true,"active":false}`), upstream.KindGarbage},
		"subject a number":                 {jsonBody(`{"active":true,"sub":7}`), upstream.KindGarbage},
		"client a list":                    {jsonBody(`{"active":true,"client_id":["gatehouse"]}`), upstream.KindGarbage},
		"party an object":                  {jsonBody(`{"active":true,"azp":{}}`), upstream.KindGarbage},
		"a signed answer nobody asked for": {upstreamtest.Body(200, "application/token-introspection+jwt", "a.b.c"), upstream.KindGarbage},
		"empty":                            {jsonBody(""), upstream.KindGarbage},
		"null":                             {jsonBody("null"), upstream.KindGarbage},
		"a list":                           {jsonBody(`[{"active":true}]`), upstream.KindGarbage},
		"two at once":                      {jsonBody(`{"active":true}{}`), upstream.KindGarbage},
		"cut JSON that claims to be whole": {jsonBody(`{"active":true`), upstream.KindGarbage},
		"200 with a page":                  {upstreamtest.Status(200), upstream.KindGarbage},
		"200 with an error":                {upstreamtest.OAuthError(200, "invalid_token"), upstream.KindGarbage},
		"204":                              {upstreamtest.Body(204, "application/json", ""), upstream.KindGarbage},
		"302":                              {upstreamtest.Body(302, "text/html", ""), upstream.KindGarbage},
		"307 to elsewhere":                 {upstreamtest.Redirect("http://127.0.0.1:1/introspect"), upstream.KindGarbage},
		"endless":                          {upstreamtest.Endless(), upstream.KindGarbage},
		"just over 64 KB":                  {jsonBody(`{"active":true}` + strings.Repeat(" ", 64<<10)), upstream.KindGarbage},
		"gzip bomb":                        {bomb(), upstream.KindGarbage},
		"401 invalid_client":               {upstreamtest.OAuthError(401, "invalid_client"), upstream.KindMisconfigured},
		"401 invalid_token":                {upstreamtest.OAuthError(401, "invalid_token"), upstream.KindMisconfigured},
		"401 with a page":                  {upstreamtest.Status(401), upstream.KindMisconfigured},
		"400 invalid_client":               {upstreamtest.OAuthError(400, "invalid_client"), upstream.KindMisconfigured},
		"400 unauthorized_client":          {upstreamtest.OAuthError(400, "unauthorized_client"), upstream.KindMisconfigured},
		"400 invalid_grant":                {upstreamtest.OAuthError(400, "invalid_grant"), upstream.KindRejected},
		"400 with a verdict in it":         {upstreamtest.Body(400, "application/json", `{"active":false}`), upstream.KindRejected},
		"403":                              {upstreamtest.Status(403), upstream.KindRejected},
		"404":                              {upstreamtest.Status(404), upstream.KindRejected},
		"429":                              {upstreamtest.Status(429), upstream.KindUnavailable},
		"500":                              {upstreamtest.Status(500), upstream.KindUnavailable},
		"500 with a verdict in it":         {upstreamtest.Body(500, "application/json", `{"active":false}`), upstream.KindUnavailable},
		"503":                              {upstreamtest.RetryAfter("120"), upstream.KindUnavailable},
		"reset":                            {upstreamtest.Reset(), upstream.KindUnavailable},
		"truncated":                        {upstreamtest.Truncate(`{"active":false}`), upstream.KindUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			tokens := r.LogIn(t, r.provider, "alice").Tokens
			r.SetFault(upstreamtest.Introspection, test.fault)
			err := r.provider.Confirm(t.Context(), tokens)
			wantKind(t, err, test.want)
			if n := r.Requests(upstreamtest.Introspection); n != 1 {
				t.Errorf("asked %d times", n)
			}
			if n := r.Presentations(tokens.RefreshToken); n != 0 {
				t.Errorf("the refresh token was presented %d times", n)
			}
			if err != nil {
				wantNoLeak(t, err, tokens.AccessToken, tokens.RefreshToken, r.ClientSecret())
			}
		})
	}
}

func TestIntrospectionOfSomebodyElseIsNotOurs(t *testing.T) {
	set := func(name string, value any) func(map[string]any) {
		return func(d map[string]any) { d[name] = value }
	}
	sparse := func(d map[string]any) {
		for name := range d {
			if name != "active" {
				delete(d, name)
			}
		}
	}
	for name, test := range map[string]struct {
		edit func(map[string]any)
		want upstream.Kind
	}{
		"as it is":                {func(map[string]any) {}, ""},
		"nothing but the verdict": {sparse, ""},
		"another subject":         {set("sub", "mallory"), upstream.KindInvalidToken},
		"an empty subject":        {set("sub", ""), upstream.KindInvalidToken},
		"a subject of null":       {set("sub", nil), ""},
		"another client":          {set("client_id", "other"), upstream.KindInvalidToken},
		"an empty client":         {set("client_id", ""), upstream.KindInvalidToken},
		"another party":           {set("azp", "other"), upstream.KindInvalidToken},
		"our id in other case":    {set("client_id", "Gatehouse"), upstream.KindInvalidToken},
	} {
		for _, opaque := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				r := newRig(t)
				r.Configure(func(s *upstreamtest.Settings) { s.Opaque = opaque })
				tokens := r.LogIn(t, r.provider, "alice").Tokens
				r.EditIntrospection(test.edit)
				wantKind(t, r.provider.Confirm(t.Context(), tokens), test.want)
			})
		}
	}
}

// With pairwise subjects one person has several names at one provider. The answer is about the access token.
func TestIntrospectionNamesTheSubjectOfTheAccessToken(t *testing.T) {
	r := newRig(t)
	r.EditAccessToken(claim("sub", "pairwise"))
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	wantKind(t, r.provider.Confirm(t.Context(), tokens), upstream.KindInvalidToken)
	r.EditIntrospection(func(d map[string]any) { d["sub"] = "pairwise" })
	wantKind(t, r.provider.Confirm(t.Context(), tokens), "")
}

// A lightweight access token names nobody; the ID token does.
func TestAccessTokenThatNamesNobodyIsHeldAgainstTheIDToken(t *testing.T) {
	r := newRig(t)
	r.EditAccessToken(claim("sub", nil))
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	wantKind(t, r.provider.Confirm(t.Context(), tokens), "")
	r.EditIntrospection(func(d map[string]any) { d["sub"] = "mallory" })
	wantKind(t, r.provider.Confirm(t.Context(), tokens), upstream.KindInvalidToken)
	tokens.IDToken = secret.Text{}
	wantKind(t, r.provider.Confirm(t.Context(), tokens), "")
}

func TestConfirmAsksOnlyWhileTheAccessTokenLives(t *testing.T) {
	for name, test := range map[string]struct {
		opaque bool
		change func(*upstream.Tokens)
		after  time.Duration
		asked  int
		want   upstream.Kind
	}{
		"fresh":                           {false, func(*upstream.Tokens) {}, 0, 1, ""},
		"a JWT that is over":              {false, func(*upstream.Tokens) {}, 6 * time.Minute, 0, upstream.KindNotHeld},
		"a JWT that is over, unnoted":     {false, func(t *upstream.Tokens) { t.AccessExpireTime = time.Time{} }, 6 * time.Minute, 0, upstream.KindNotHeld},
		"over within the leeway":          {false, func(*upstream.Tokens) {}, 5*time.Minute + 59*time.Second, 1, upstream.KindNotHeld},
		"opaque and over":                 {true, func(*upstream.Tokens) {}, 6 * time.Minute, 0, upstream.KindNotHeld},
		"opaque without a known end":      {true, func(t *upstream.Tokens) { t.AccessExpireTime = time.Time{} }, 4 * time.Minute, 1, ""},
		"over without refresh token":      {true, func(t *upstream.Tokens) { t.RefreshToken = secret.Text{} }, 6 * time.Minute, 0, upstream.KindNotHeld},
		"no access token but a renewable": {false, func(t *upstream.Tokens) { t.AccessToken = secret.Text{} }, 0, 0, upstream.KindNotHeld},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Configure(func(s *upstreamtest.Settings) { s.Opaque = test.opaque })
			tokens := r.LogIn(t, r.provider, "alice").Tokens
			test.change(&tokens)
			r.clock.Advance(test.after)
			wantKind(t, r.provider.Confirm(t.Context(), tokens), test.want)
			if n := r.Requests(upstreamtest.Introspection); n != test.asked {
				t.Errorf("asked %d times, want %d", n, test.asked)
			}
		})
	}
}

func TestWithoutIntrospectionConfirmIsCheck(t *testing.T) {
	r := newRig(t)
	r.Configure(func(s *upstreamtest.Settings) { s.NoIntrospection = true })
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	wantKind(t, r.provider.Confirm(t.Context(), tokens), "")
	forged := tokens
	forged.AccessToken = secret.NewText(swapSignature(tokens.AccessToken, tokens.IDToken))
	wantKind(t, r.provider.Confirm(t.Context(), forged), upstream.KindNotHeld)
	// What has expired is to be renewed, whatever the provider offers.
	r.clock.Advance(10 * time.Minute)
	wantKind(t, r.provider.Confirm(t.Context(), tokens), upstream.KindNotHeld)
}

func TestConfirmWithoutMetadataIsNoVerdict(t *testing.T) {
	r := newRig(t)
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	restarted := newProvider(t, r.FakeIdP)
	r.SetFault(upstreamtest.Discovery, upstreamtest.Reset())
	wantKind(t, restarted.Confirm(t.Context(), tokens), upstream.KindUnavailable)
	wantKind(t, restarted.Revoke(t.Context(), tokens), upstream.KindUnavailable)
}

func TestIntrospectionSaysWhenToComeBack(t *testing.T) {
	r := newRig(t)
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	r.SetFault(upstreamtest.Introspection, upstreamtest.RetryAfter("30"))
	if got := retryAfter(r.provider.Confirm(t.Context(), tokens)); got != 30*time.Second {
		t.Errorf("retry after %v", got)
	}
}

// cb-upstream-authstyle at the endpoints that RFC 7662 and RFC 7009 add: the secret is in one place, and nothing is sent
// twice.
func TestFormsAreAuthenticatedInOnePlaceAndSentOnce(t *testing.T) {
	for style, wantHeader := range map[upstream.AuthStyle]bool{upstream.AuthBasic: true, upstream.AuthPost: false} {
		for endpoint, send := range map[upstreamtest.Endpoint]func(*testing.T, *upstream.OIDC, upstream.Tokens) error{
			upstreamtest.Introspection: func(t *testing.T, p *upstream.OIDC, tokens upstream.Tokens) error {
				t.Helper()
				return p.Confirm(t.Context(), tokens)
			},
			upstreamtest.Revocation: func(t *testing.T, p *upstream.OIDC, tokens upstream.Tokens) error {
				t.Helper()
				return p.Revoke(t.Context(), tokens)
			},
		} {
			t.Run(string(style)+string(endpoint), func(t *testing.T) {
				r := newRig(t)
				p := newProvider(t, r.FakeIdP, func(c *upstream.OIDCConfig) {
					c.AuthStyle, c.HTTPClient = style, &http.Client{Transport: repeater{}}
				})
				tokens := r.LogIn(t, p, "alice").Tokens
				type places struct{ inHeader, inBody bool }
				seen := make(chan places, 2)
				r.SetFault(endpoint, func(w http.ResponseWriter, request *http.Request) {
					_, _, inHeader := request.BasicAuth()
					seen <- places{inHeader, request.PostFormValue("client_secret") != ""}
					upstreamtest.Reset()(w, request)
				})
				wantKind(t, send(t, p, tokens), upstream.KindUnavailable)
				if got, want := <-seen, (places{wantHeader, !wantHeader}); got != want {
					t.Errorf("the secret is %+v, want %+v", got, want)
				}
				if n := r.Requests(endpoint); n != 1 {
					t.Errorf("sent %d times", n)
				}
			})
		}
	}
}
