package upstream_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

func events(value any) func(draft) { return claim("events", value) }

// OpenID Connect Back-Channel Logout 1.0 section 2.6, and appendix C of the catalogue: none of these logs anybody out.
func TestBadLogoutTokenIsRefused(t *testing.T) {
	key := upstreamtest.NewKey("key-1", "ES256") // not the provider's
	none := map[string]any{}
	for name, edit := range map[string]func(rig) func(draft){
		"alg none":                        always(unsigned),
		"alg none with a valid signature": always(header("alg", "none")),
		"alg not on our list":             always(header("alg", "ES384")),
		"alg of another key type":         always(header("alg", "RS256")),
		"HS256 with the client secret":    func(r rig) func(draft) { return hmacWith([]byte(r.ClientSecret().Reveal())) },
		"HS256 with the public key":       func(r rig) func(draft) { return hmacWith(spki(r)) },
		"signed by another key":           always(func(d draft) { d.Sign = key.Sign }),
		"key in the header":               always(func(d draft) { d.Sign = key.Sign; d.Header["jwk"] = key.JWK() }),
		"critical header":                 always(header("crit", []string{"exp"})),
		"no signature":                    always(finished(func(s string) string { return s[:strings.LastIndex(s, ".")+1] })),
		"claims replaced after signing":   always(finished(swapClaims)),
		"repeated claim":                  repeatClaim,
		"JSON serialisation":              always(finished(asJSON)),
		"non-canonical last bits":         always(finished(nonCanonical)),
		"not a token":                     always(finished(func(string) string { return "nonsense" })),
		"empty":                           always(finished(func(string) string { return "" })),
		"too long":                        always(claim("pad", strings.Repeat("x", 17<<10))),
		"type of an access token":         always(header("typ", "at+jwt")),
		"type of an ID token":             always(header("typ", "id_token+jwt")),
		"type of a security event":        always(header("typ", "secevent+jwt")),
		"type a number":                   always(header("typ", 1)),

		"issuer missing":            always(claim("iss", nil)),
		"issuer of another realm":   func(r rig) func(draft) { return claim("iss", r.BaseURL()+"/realms/other") },
		"issuer with a slash":       func(r rig) func(draft) { return claim("iss", r.Issuer()+"/") },
		"audience missing":          always(claim("aud", nil)),
		"audience another app":      always(claim("aud", "other-app")),
		"audience a number":         always(claim("aud", 7)),
		"azp another app":           always(claim("azp", "other-app")),
		"two audiences without azp": always(claim("aud", []string{"gatehouse", "other-app"})),

		"expired":                  always(claim("exp", start.Add(-time.Minute).Unix())),
		"expiry zero":              always(claim("exp", 0)),
		"expiry a string":          always(claim("exp", "4102444800")),
		"expiry 1e308":             always(claim("exp", 1e308)),
		"time of issue missing":    always(claim("iat", nil)),
		"time of issue a string":   always(claim("iat", "now")),
		"time of issue zero":       always(claim("iat", 0)),
		"issued in the future":     always(claim("iat", start.Add(61*time.Second).Unix())),
		"issued three minutes ago": always(claim("iat", start.Add(-3*time.Minute).Unix())),
		"old and without expiry":   always(func(d draft) { d.Claims["iat"] = start.Add(-time.Hour).Unix(); delete(d.Claims, "exp") }),
		"not valid yet":            always(claim("nbf", start.Add(61*time.Second).Unix())),

		"no events":                   always(events(nil)),
		"events null":                 always(events(json.RawMessage("null"))),
		"events empty":                always(events(none)),
		"events a list":               always(events([]string{logoutEvent})),
		"events a string":             always(events(logoutEvent)),
		"another event":               always(events(map[string]any{"http://schemas.openid.net/event/other": none})),
		"event with a slash":          always(events(map[string]any{logoutEvent + "/": none})),
		"event in other case":         always(events(map[string]any{strings.ToUpper(logoutEvent): none})),
		"event by https":              always(events(map[string]any{strings.Replace(logoutEvent, "http:", "https:", 1): none})),
		"event null":                  always(events(map[string]any{logoutEvent: nil})),
		"event true":                  always(events(map[string]any{logoutEvent: true})),
		"event a list":                always(events(map[string]any{logoutEvent: []any{}})),
		"event a string":              always(events(map[string]any{logoutEvent: "{}"})),
		"event outside of events":     always(func(d draft) { delete(d.Claims, "events"); d.Claims[logoutEvent] = none }),
		"an event twice":              always(events(json.RawMessage(`{"` + logoutEvent + `":{},"` + logoutEvent + `":{}}`))),
		"a nonce":                     always(claim("nonce", "n")),
		"an empty nonce":              always(claim("nonce", "")),
		"a nonce of null":             always(claim("nonce", json.RawMessage("null"))),
		"neither subject nor session": always(func(d draft) { delete(d.Claims, "sub"); delete(d.Claims, "sid") }),
		"subject empty":               always(claim("sub", "")),
		"subject empty and a session": always(func(d draft) { d.Claims["sub"], d.Claims["sid"] = "", "s" }),
		"subject a number":            always(claim("sub", 7)),
		"subject with a line break":   always(claim("sub", "a\nb")),
		"subject too long":            always(claim("sub", strings.Repeat("s", 256))),
		"session empty":               always(claim("sid", "")),
		"session a number":            always(claim("sid", 7)),
		"session with NUL":            always(claim("sid", "a\x00b")),
		"session too long":            always(claim("sid", strings.Repeat("s", 321))),
		"no id":                       always(claim("jti", nil)),
		"id empty":                    always(claim("jti", "")),
		"id a number":                 always(claim("jti", 1)),
		"id too long":                 always(claim("jti", strings.Repeat("j", 321))),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.LogoutToken("alice", "session-1", edit(r))
			got, err := r.provider.ReadLogoutToken(t.Context(), token)
			wantKind(t, err, upstream.KindInvalidToken)
			if got != (upstream.LogoutToken{}) {
				t.Errorf("a refused token gave something away: %+v", got)
			}
		})
	}
}

func TestGoodLogoutTokenIsAcceptedInEveryForm(t *testing.T) {
	for name, edit := range map[string]func(draft){
		"as Keycloak sends it":          func(draft) {},
		"typed as any other":            header("typ", "JWT"),
		"typed in other case, in full":  header("typ", "application/Logout+JWT"),
		"no typ":                        func(d draft) { delete(d.Header, "typ") },
		"no kid":                        func(d draft) { delete(d.Header, "kid") },
		"no expiry":                     claim("exp", nil),
		"expired within the leeway":     claim("exp", start.Add(-59*time.Second).Unix()),
		"issued ahead within leeway":    claim("iat", start.Add(59*time.Second).Unix()),
		"nearly three minutes old":      claim("iat", start.Add(-179*time.Second).Unix()),
		"audience a list":               claim("aud", []string{"gatehouse"}),
		"an event with something in it": events(map[string]any{logoutEvent: map[string]any{"reason": "x"}}),
		"Keycloak with offline access":  events(map[string]any{logoutEvent: map[string]any{}, "revoke_offline_access": true}),
		"a subject alone":               claim("sid", nil),
		"a session alone":               claim("sub", nil),
		"a session of null":             claim("sid", json.RawMessage("null")),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			got, err := r.provider.ReadLogoutToken(t.Context(), r.LogoutToken("alice", "session-1", edit))
			if err != nil {
				t.Fatal(err)
			}
			if got.Issuer != r.Issuer() || got.ID == "" || got.Subject == "" && got.SessionID == "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Whoever remembers used tokens may forget one at its end, and not before.
func TestLogoutTokenIsRefusedFromItsEndOn(t *testing.T) {
	for name, test := range map[string]struct {
		age  time.Duration
		edit func(draft)
		want time.Duration
	}{
		"by its age":                        {0, claim("exp", start.Add(time.Hour).Unix()), 3 * time.Minute},
		"without expiry":                    {0, claim("exp", nil), 3 * time.Minute},
		"by its expiry":                     {0, claim("exp", start.Add(30*time.Second).Unix()), 90 * time.Second},
		"by an age of the operator's":       {time.Minute, func(draft) {}, time.Minute},
		"issued a minute ago, by the clock": {0, claim("iat", start.Add(-time.Minute).Unix()), 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *upstream.OIDCConfig) { c.LogoutTokenAge = test.age })
			token := r.LogoutToken("alice", "", test.edit)
			got, err := r.provider.ReadLogoutToken(t.Context(), token)
			if want := start.Add(test.want); err != nil || !got.Expire.Equal(want) {
				t.Fatalf("ends %v, want %v: %v", got.Expire, want, err)
			}
			r.clock.Set(got.Expire.Add(-time.Nanosecond))
			_, err = r.provider.ReadLogoutToken(t.Context(), token)
			wantKind(t, err, "")
			r.clock.Set(got.Expire)
			_, err = r.provider.ReadLogoutToken(t.Context(), token)
			wantKind(t, err, upstream.KindInvalidToken)
		})
	}
}

// A token of one kind that is signed by the provider never passes for one of another kind.
func TestTokensOfOtherKindsAreNoLogoutTokens(t *testing.T) {
	r := newRig(t)
	withEvent := func(d draft) { d.Claims["events"] = map[string]any{logoutEvent: map[string]any{}} }
	r.EditIDToken(withEvent)
	fresh := r.LogIn(t, r.provider, "alice").Tokens
	for name, token := range map[string]secret.Text{
		"an ID token with a nonce, even with the event": fresh.IDToken,
		"an access token": fresh.AccessToken,
		"a refresh token": fresh.RefreshToken,
	} {
		_, err := r.provider.ReadLogoutToken(t.Context(), token)
		if upstream.KindOf(err) != upstream.KindInvalidToken {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.EditIDToken(func(d draft) {
		logout := map[string]any{"iss": d.Claims["iss"], "aud": "gatehouse", "sub": d.Claims["sub"], "iat": start.Unix(), "jti": "j"}
		withEvent(d)
		logout["events"] = d.Claims["events"]
		clear(d.Claims)
		maps.Copy(d.Claims, logout)
	})
	_, err := r.exchange(t)
	wantKind(t, err, upstream.KindInvalidToken)
}

func TestLogoutTokenWithoutKeysIsNoVerdict(t *testing.T) {
	r := newRig(t)
	token := r.LogoutToken("alice", "")
	r.SetFault(upstreamtest.Keys, upstreamtest.Reset())
	_, err := r.provider.ReadLogoutToken(t.Context(), token)
	wantKind(t, err, upstream.KindUnavailable)
	r.SetFault(upstreamtest.Keys, nil)
	r.clock.Advance(3 * time.Second)
	_, err = r.provider.ReadLogoutToken(t.Context(), token)
	wantKind(t, err, "")
}

func TestLogoutTokenOfANewKeyIsFollowed(t *testing.T) {
	r := newRig(t)
	r.LogIn(t, r.provider, "alice")
	r.RotateKey("EdDSA")
	_, err := r.provider.ReadLogoutToken(t.Context(), r.LogoutToken("alice", ""))
	wantKind(t, err, "")
}

// Anybody may post to where logout tokens arrive. That must not become a way to have the provider asked for its keys.
func TestForgedLogoutTokensCostTheProviderLittle(t *testing.T) {
	r := newRig(t)
	r.LogIn(t, r.provider, "alice")
	before := r.Requests(upstreamtest.Keys)
	key := upstreamtest.NewKey("key-9", "ES256")
	for range 50 {
		_, err := r.provider.ReadLogoutToken(t.Context(), r.LogoutToken("alice", "", func(d draft) {
			d.Header["kid"], d.Sign = key.ID, key.Sign
		}))
		if err == nil {
			t.Fatal("a forged token was accepted")
		}
	}
	if n := r.Requests(upstreamtest.Keys) - before; n > 1 {
		t.Errorf("%d requests for keys", n)
	}
}

func TestSessionThatIsNoCleanTextIsNotNoted(t *testing.T) {
	for name, value := range map[string]any{
		"a number": 7, "NUL": "a\x00b", "too long": strings.Repeat("s", 321), "a list": []string{"s"}, "empty": "", "absent": nil,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.EditIDToken(claim("sid", value))
			if got := r.LogIn(t, r.provider, "alice").SessionID; got != "" {
				t.Errorf("session %q", got)
			}
		})
	}
}
