package upstream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// rt-upstream-carry: what the provider omits, repeats or rotates.
func TestRenewalCarriesTheRefreshToken(t *testing.T) {
	for name, test := range map[string]struct {
		rotation upstreamtest.Rotation
		edit     func(map[string]any)
		rotated  bool
		end      time.Duration // of the refresh token, after the start; zero: none
	}{
		"omit":                        {upstreamtest.Omit, nil, false, 30 * time.Minute},
		"same":                        {upstreamtest.Repeat, nil, false, 40 * time.Minute},
		"same, without an end":        {upstreamtest.Repeat, func(d map[string]any) { delete(d, "refresh_expires_in") }, false, 30 * time.Minute},
		"rotate":                      {upstreamtest.RotateStrict, nil, true, 40 * time.Minute},
		"rotate, without an end":      {upstreamtest.RotateStrict, func(d map[string]any) { d["refresh_expires_in"] = 0 }, true, 0},
		"empty where one is expected": {upstreamtest.RotateStrict, func(d map[string]any) { d["refresh_token"] = "" }, false, 40 * time.Minute},
		"an end for the one we have":  {upstreamtest.Omit, func(d map[string]any) { d["refresh_expires_in"] = 60 }, false, 11 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			old := r.LogIn(t, r.provider, "alice").Tokens
			r.clock.Advance(10 * time.Minute)
			r.Configure(func(s *upstreamtest.Settings) { s.Rotation = test.rotation })
			r.EditTokenResponse(test.edit)
			login, err := r.provider.Renew(t.Context(), old)
			if err != nil {
				t.Fatal(err)
			}
			got := login.Tokens
			if got.RefreshToken.IsEmpty() || got.RefreshToken.Equal(old.RefreshToken) == test.rotated {
				t.Errorf("rotated: %v, want %v", !got.RefreshToken.Equal(old.RefreshToken), test.rotated)
			}
			if want := start.Add(test.end); test.end == 0 && !got.RefreshExpireTime.IsZero() || test.end != 0 && !got.RefreshExpireTime.Equal(want) {
				t.Errorf("the refresh token ends %v, want %v", got.RefreshExpireTime, want)
			}
			if want := start.Add(15 * time.Minute); !got.AccessExpireTime.Equal(want) {
				t.Errorf("the access token ends %v, want %v", got.AccessExpireTime, want)
			}
			if got.AccessToken.Equal(old.AccessToken) || got.Scope != old.Scope || got.IDToken.IsEmpty() {
				t.Error("the rest of the tokens is not right")
			}
		})
	}
}

func TestNarrowedScopeIsNoted(t *testing.T) {
	r := newRig(t)
	old := r.LogIn(t, r.provider, "alice").Tokens
	r.EditTokenResponse(func(d map[string]any) { d["scope"] = "openid" })
	login, err := r.provider.Renew(t.Context(), old)
	if err != nil || login.Tokens.Scope != "openid" {
		t.Errorf("scope %q: %v", login.Tokens.Scope, err)
	}
}

func TestWithoutRefreshTokenThereIsNoRenewal(t *testing.T) {
	r := newRig(t)
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	tokens.RefreshToken = secret.Text{}
	_, err := r.provider.Renew(t.Context(), tokens)
	wantKind(t, err, upstream.KindNotHeld)
	if n := r.Requests(upstreamtest.Token); n != 1 {
		t.Errorf("%d token requests", n)
	}
}

// The provider has rotated by then: the new refresh token must not be lost with the answer that carried it, and nothing
// else of that answer may be kept.
func TestRenewalThatFailsVerificationKeepsTheNewRefreshToken(t *testing.T) {
	for name, spoil := range map[string]func(rig){
		"another issuer":    func(r rig) { r.EditIDToken(claim("iss", "https://evil.example")) },
		"another audience":  func(r rig) { r.EditIDToken(claim("aud", "other")) },
		"another nonce":     func(r rig) { r.EditIDToken(claim("nonce", "other")) },
		"unsigned ID token": func(r rig) { r.EditIDToken(unsigned) },
		"unsigned access":   func(r rig) { r.EditAccessToken(unsigned) },
		"for another client": func(r rig) {
			r.Configure(func(s *upstreamtest.Settings) { s.OtherAudience = true })
			r.EditAccessToken(claim("azp", "other"))
		},
		"no ID token, bad access": func(r rig) {
			r.EditTokenResponse(func(d map[string]any) { delete(d, "id_token") })
			r.EditAccessToken(unsigned)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			old := r.LogIn(t, r.provider, "alice").Tokens
			spoil(r)
			login, err := r.provider.Renew(t.Context(), old)
			wantKind(t, err, upstream.KindInvalidToken)
			wantCarriedOnly(t, login, old)
			r.EditIDToken(nil)
			r.EditAccessToken(nil)
			r.EditTokenResponse(nil)
			if _, err := r.provider.Renew(t.Context(), login.Tokens); err != nil {
				t.Errorf("with the new refresh token: %v", err)
			}
		})
	}
}

func TestRenewalWhileNewKeysAreOutOfReachKeepsTheNewRefreshToken(t *testing.T) {
	r := newRig(t)
	old := r.LogIn(t, r.provider, "alice").Tokens
	r.RotateKey("ES256")
	r.SetFault(upstreamtest.Keys, upstreamtest.Reset())
	login, err := r.provider.Renew(t.Context(), old)
	wantKind(t, err, upstream.KindUnavailable)
	wantCarriedOnly(t, login, old)
	r.SetFault(upstreamtest.Keys, nil)
	r.clock.Advance(3 * time.Second)
	if _, err := r.provider.Renew(t.Context(), login.Tokens); err != nil {
		t.Errorf("with the new refresh token: %v", err)
	}
}

// The answer is good, and about somebody else: whose refresh token it is we must not even remember.
func TestRenewalForAnotherSubjectKeepsNothing(t *testing.T) {
	for name, spoil := range map[string]func(rig){
		"in the ID token":     func(r rig) { r.EditIDToken(claim("sub", "mallory")) },
		"in the access token": func(r rig) { r.EditAccessToken(claim("sub", "mallory")) },
		"without an ID token": func(r rig) {
			r.EditTokenResponse(func(d map[string]any) { delete(d, "id_token") })
			r.EditAccessToken(claim("sub", "mallory"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			old := r.LogIn(t, r.provider, "alice").Tokens
			spoil(r)
			login, err := r.provider.Renew(t.Context(), old)
			wantKind(t, err, upstream.KindAnotherSubject)
			if !login.Tokens.RefreshToken.IsEmpty() || login.Identity.Subject != "" {
				t.Error("tokens of somebody else came back")
			}
		})
	}
}

func wantCarriedOnly(t *testing.T, login upstream.Login, old upstream.Tokens) {
	t.Helper()
	if login.Tokens.RefreshToken.IsEmpty() || login.Tokens.RefreshToken.Equal(old.RefreshToken) {
		t.Error("the new refresh token is lost")
	}
	if !login.Tokens.AccessToken.Equal(old.AccessToken) || !login.Tokens.IDToken.Equal(old.IDToken) || login.Identity.Subject != "" {
		t.Error("something unverified was kept")
	}
}

func TestRenewalMayRepeatTheNonce(t *testing.T) {
	r := newRig(t)
	attempt := r.Begin(t, r.provider, "alice")
	login, err := r.provider.Exchange(t.Context(), attempt.Exchange())
	if err != nil {
		t.Fatal(err)
	}
	r.EditIDToken(claim("nonce", attempt.Request.Nonce.Reveal()))
	if _, err := r.provider.Renew(t.Context(), login.Tokens); err != nil {
		t.Error(err)
	}
}

func TestRenewalShowsChangedClaims(t *testing.T) {
	r := newRig(t)
	login := r.LogIn(t, r.provider, "alice")
	r.AddUser(upstreamtest.User{
		Login: "alice", Subject: login.Identity.Subject, Name: "Alice Married", Email: "am@example.com", Groups: []string{"/none"},
	})
	renewed, err := r.provider.Renew(t.Context(), login.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	if got := renewed.Identity; got.Name != "Alice Married" || got.EmailVerified || strings.Join(got.Groups, " ") != "/none" {
		t.Errorf("identity %+v", got)
	}
}
