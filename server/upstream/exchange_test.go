package upstream_test

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// cb-upstream-pkce: a code that was stolen or injected is worth nothing without the transaction it belongs to.
func TestCodeOfAnotherTransactionIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(request *upstream.ExchangeRequest, other upstreamtest.Attempt)
		want   upstream.Kind
	}{
		"verifier of another transaction": {
			func(r *upstream.ExchangeRequest, o upstreamtest.Attempt) { r.Verifier = o.Request.Verifier },
			upstream.KindInvalidGrant,
		},
		"no verifier": {
			func(r *upstream.ExchangeRequest, _ upstreamtest.Attempt) { r.Verifier = secret.Text{} },
			upstream.KindInvalidGrant,
		},
		"nonce of another transaction": {
			func(r *upstream.ExchangeRequest, o upstreamtest.Attempt) { r.Nonce = o.Request.Nonce },
			upstream.KindInvalidToken,
		},
		"nonce in other case": {
			func(r *upstream.ExchangeRequest, _ upstreamtest.Attempt) {
				r.Nonce = secret.NewText(r.Nonce.Reveal() + "x")
			},
			upstream.KindInvalidToken,
		},
		"no nonce": {
			func(r *upstream.ExchangeRequest, _ upstreamtest.Attempt) { r.Nonce = secret.Text{} },
			upstream.KindInvalidToken,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			request := r.Begin(t, r.provider, "alice").Exchange()
			test.change(&request, r.Begin(t, r.provider, "bob"))
			login, err := r.provider.Exchange(t.Context(), request)
			wantKind(t, err, test.want)
			if !login.Tokens.AccessToken.IsEmpty() || login.Identity.Subject != "" {
				t.Error("a refused login gave something away")
			}
		})
	}
}

func TestRedirectURIIsRepeatedExactly(t *testing.T) {
	r := newRig(t)
	attempt := r.Begin(t, r.provider, "alice")
	other := newProvider(t, r.FakeIdP, func(c *upstream.OIDCConfig) { c.RedirectURL = upstreamtest.CallbackURL + "/" })
	_, err := other.Exchange(t.Context(), attempt.Exchange())
	wantKind(t, err, upstream.KindInvalidGrant)
}

// cb-iss-mixup: a code never reaches a provider that it is not from.
func TestCallbackOfAnotherIssuerIsRefusedBeforeTheCodeIsSent(t *testing.T) {
	honest, evil := newRig(t), newRig(t)
	for name, test := range map[string]struct {
		issuer string
		want   upstream.Kind
	}{
		"its own issuer":    {honest.Issuer(), ""},
		"the other issuer":  {evil.Issuer(), upstream.KindInvalidToken},
		"a trailing slash":  {honest.Issuer() + "/", upstream.KindInvalidToken},
		"no issuer at all":  {"", upstream.KindInvalidToken},
		"the base URL only": {honest.BaseURL(), upstream.KindInvalidToken},
	} {
		t.Run(name, func(t *testing.T) {
			request := honest.Begin(t, honest.provider, "alice").Exchange()
			request.Issuer = test.issuer
			_, err := honest.provider.Exchange(t.Context(), request)
			wantKind(t, err, test.want)
			want := 0
			if test.want == "" {
				want = 1
			}
			if n := honest.Presentations(request.Code); n != want {
				t.Errorf("the code was presented %d times, want %d", n, want)
			}
		})
	}
	if n := evil.Requests(upstreamtest.Token); n != 0 {
		t.Errorf("the other provider saw %d token requests", n)
	}
}

func TestProviderWithoutIssuerParameterStillWorks(t *testing.T) {
	r := newRig(t)
	r.Configure(func(s *upstreamtest.Settings) { s.OmitIssuer = true })
	r.LogIn(t, r.provider, "alice")
}

// A code is not spent on a login that could not be verified anyway.
func TestCodeIsKeptWhileKeysAreMissing(t *testing.T) {
	r := newRig(t)
	attempt := r.Begin(t, r.provider, "alice")
	r.SetFault(upstreamtest.Keys, upstreamtest.Reset())
	_, err := r.provider.Exchange(t.Context(), attempt.Exchange())
	wantKind(t, err, upstream.KindUnavailable)
	if n := r.Presentations(attempt.Code()); n != 0 {
		t.Errorf("the code was presented %d times", n)
	}
	r.SetFault(upstreamtest.Keys, nil)
	r.clock.Advance(3 * time.Second)
	if _, err := r.provider.Exchange(t.Context(), attempt.Exchange()); err != nil {
		t.Errorf("once the keys are there: %v", err)
	}
}

func TestScopeThatIsLeftOutIsTheOneRequested(t *testing.T) {
	r := newRig(t)
	r.EditTokenResponse(func(d map[string]any) { delete(d, "scope") })
	if got := r.LogIn(t, r.provider, "alice").Tokens.Scope; got != "openid profile email" {
		t.Errorf("scope %q", got)
	}
}

func TestLifetimesAreReadWithTolerance(t *testing.T) {
	for name, test := range map[string]struct {
		change          func(map[string]any)
		access, refresh time.Duration // zero: no end
	}{
		"numbers":           {func(map[string]any) {}, 5 * time.Minute, 30 * time.Minute},
		"strings":           {func(d map[string]any) { d["expires_in"], d["refresh_expires_in"] = "600", "1200" }, 10 * time.Minute, 20 * time.Minute},
		"absent":            {func(d map[string]any) { delete(d, "expires_in"); delete(d, "refresh_expires_in") }, 0, 0},
		"zero":              {func(d map[string]any) { d["expires_in"], d["refresh_expires_in"] = 0, 0 }, time.Minute, 0},
		"negative":          {func(d map[string]any) { d["expires_in"], d["refresh_expires_in"] = -1, -1 }, time.Minute, 0},
		"huge":              {func(d map[string]any) { d["expires_in"], d["refresh_expires_in"] = 1<<52, 1e300 }, 24 * time.Hour, 0},
		"the other name":    {func(d map[string]any) { delete(d, "refresh_expires_in"); d["refresh_token_expires_in"] = 90 }, 5 * time.Minute, 90 * time.Second},
		"an offline token":  {func(d map[string]any) { d["refresh_expires_in"] = 0 }, 5 * time.Minute, 0},
		"a refresh of days": {func(d map[string]any) { d["refresh_expires_in"] = 90 * 86400 }, 5 * time.Minute, 90 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Configure(func(s *upstreamtest.Settings) { s.Opaque = true })
			r.EditTokenResponse(test.change)
			tokens := r.LogIn(t, r.provider, "alice").Tokens
			for what, got := range map[string]struct {
				end  time.Time
				want time.Duration
			}{"access": {tokens.AccessExpireTime, test.access}, "refresh": {tokens.RefreshExpireTime, test.refresh}} {
				if want := start.Add(got.want); got.want == 0 && !got.end.IsZero() || got.want != 0 && !got.end.Equal(want) {
					t.Errorf("%s token ends %v, want %v after %v", what, got.end, got.want, start)
				}
			}
		})
	}
}

func TestExpiryInTheAccessTokenIsBetterThanExpiresIn(t *testing.T) {
	r := newRig(t)
	r.EditTokenResponse(func(d map[string]any) { d["expires_in"] = 3600 })
	if got, want := r.LogIn(t, r.provider, "alice").Tokens.AccessExpireTime, start.Add(5*time.Minute); !got.Equal(want) {
		t.Errorf("access token ends %v, want %v", got, want)
	}
}

func TestEndlessAccessTokenIsLookedAtWithinADay(t *testing.T) {
	r := newRig(t)
	r.Configure(func(s *upstreamtest.Settings) { s.AccessLifetime = 48 * time.Hour })
	if got, want := r.LogIn(t, r.provider, "alice").Tokens.AccessExpireTime, start.Add(24*time.Hour); !got.Equal(want) {
		t.Errorf("access token ends %v, want %v", got, want)
	}
}

func TestAccessTokenIsVerifiedWhereItIsAJWTOfTheIssuer(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*upstreamtest.Draft)
		want upstream.Kind
	}{
		"as Keycloak makes it":     {func(*upstreamtest.Draft) {}, ""},
		"ours by audience":         {func(d *upstreamtest.Draft) { delete(d.Claims, "azp"); d.Claims["aud"] = []string{"api", "gatehouse"} }, ""},
		"ours by client_id":        {func(d *upstreamtest.Draft) { delete(d.Claims, "azp"); d.Claims["client_id"] = "gatehouse" }, ""},
		"of RFC 9068":              {func(d *upstreamtest.Draft) { d.Header["typ"] = "application/at+JWT" }, ""},
		"of another issuer":        {func(d *upstreamtest.Draft) { d.Claims["iss"] = "https://elsewhere.example" }, ""}, // opaque to us
		"for another client":       {func(d *upstreamtest.Draft) { d.Claims["azp"] = "other" }, upstream.KindInvalidToken},
		"for nobody":               {func(d *upstreamtest.Draft) { delete(d.Claims, "azp"); delete(d.Claims, "aud") }, upstream.KindInvalidToken},
		"signed by another key":    {func(d *upstreamtest.Draft) { d.Sign = upstreamtest.NewKey("x", "ES256").Sign }, upstream.KindInvalidToken},
		"not signed":               {unsigned, upstream.KindInvalidToken},
		"expired":                  {func(d *upstreamtest.Draft) { d.Claims["exp"] = start.Add(-2 * time.Minute).Unix() }, upstream.KindInvalidToken},
		"without expiry":           {func(d *upstreamtest.Draft) { delete(d.Claims, "exp") }, upstream.KindInvalidToken},
		"with an odd expiry":       {func(d *upstreamtest.Draft) { d.Claims["exp"] = "soon" }, upstream.KindInvalidToken},
		"not valid yet":            {func(d *upstreamtest.Draft) { d.Claims["nbf"] = start.Add(2 * time.Minute).Unix() }, upstream.KindInvalidToken},
		"with the type of another": {func(d *upstreamtest.Draft) { d.Header["typ"] = "logout+jwt" }, upstream.KindInvalidToken},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Configure(func(s *upstreamtest.Settings) { s.OtherAudience = true })
			r.EditAccessToken(test.edit)
			_, err := r.exchange(t)
			wantKind(t, err, test.want)
		})
	}
}
