package upstreamtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// suite is one run of one conformance test.
type suite struct {
	*testing.T
	fake     *FakeIdP
	clock    *Clock
	provider upstream.Provider
}

func (s *suite) constructionIsOffline() {
	for _, endpoint := range []Endpoint{Discovery, Keys, Token, Userinfo, Introspection, Revocation} {
		if n := s.fake.Requests(endpoint); n != 0 {
			s.Errorf("%s got %d requests", endpoint, n)
		}
	}
	if s.provider.Name() == "" || s.provider.DisplayName() == "" {
		s.Error("the provider has no name")
	}
	if err := s.provider.Ready(s.Context()); err != nil {
		s.Errorf("Ready: %v", err)
	}
}

func (s *suite) loginIdentifies() {
	login := s.fake.LogIn(s, s.provider, "alice")
	want := alice()
	got := login.Identity
	if got.Subject != want.Subject || got.Issuer == "" {
		s.Errorf("subject %q at issuer %q, want %q", got.Subject, got.Issuer, want.Subject)
	}
	if got.Email != want.Email || !got.EmailVerified || got.Name != want.Name {
		s.Errorf("identity %+v, want that of alice", got)
	}
	if login.Tokens.AccessToken.IsEmpty() || login.Tokens.RefreshToken.IsEmpty() {
		s.Error("the login lacks tokens")
	}
	if !login.Tokens.AccessExpireTime.After(s.clock.Now()) {
		s.Errorf("the access token expires at %v", login.Tokens.AccessExpireTime)
	}
}

func (s *suite) subjectsDiffer() {
	a, b := s.fake.LogIn(s, s.provider, "alice").Identity, s.fake.LogIn(s, s.provider, "bob").Identity
	if a.Subject == b.Subject || a.Issuer != b.Issuer {
		s.Errorf("alice is %q, bob is %q", a.Subject, b.Subject)
	}
}

func (s *suite) codeOnce() {
	attempt := s.fake.Begin(s, s.provider, "alice")
	s.fake.SetFault(Token, Status(http.StatusInternalServerError))
	_, err := s.provider.Exchange(s.Context(), attempt.Exchange())
	s.wantKind(err, upstream.KindUnavailable)
	if n := s.fake.Presentations(attempt.Code()); n != 1 {
		s.Errorf("the code was presented %d times", n)
	}
}

func (s *suite) verifierBinds() {
	request := s.fake.Begin(s, s.provider, "alice").Exchange()
	request.Verifier = secret.NewSource(nil).Text("")
	_, err := s.provider.Exchange(s.Context(), request)
	s.wantKind(err, upstream.KindInvalidGrant)
}

func (s *suite) renewalOnce() {
	login := s.fake.LogIn(s, s.provider, "alice")
	renewed, err := s.provider.Renew(s.Context(), login.Tokens)
	if err != nil {
		s.Fatalf("Renew: %v", err)
	}
	if n := s.fake.Presentations(login.Tokens.RefreshToken); n != 1 || s.fake.Renewals() != 1 {
		s.Errorf("the refresh token was presented %d times for %d renewals", n, s.fake.Renewals())
	}
	if renewed.Tokens.RefreshToken.Equal(login.Tokens.RefreshToken) || renewed.Tokens.RefreshToken.IsEmpty() {
		s.Error("the rotated refresh token was not taken over")
	}
	if renewed.Identity.Subject != login.Identity.Subject {
		s.Errorf("the renewal is about %q", renewed.Identity.Subject)
	}
}

func (s *suite) renewalCarries() {
	login := s.fake.LogIn(s, s.provider, "alice")
	s.fake.Configure(func(settings *Settings) { settings.Rotation = Omit })
	s.fake.EditTokenResponse(func(document map[string]any) {
		delete(document, "scope")
		delete(document, "id_token")
	})
	renewed, err := s.provider.Renew(s.Context(), login.Tokens)
	if err != nil {
		s.Fatalf("Renew: %v", err)
	}
	if !renewed.Tokens.RefreshToken.Equal(login.Tokens.RefreshToken) ||
		!renewed.Tokens.RefreshExpireTime.Equal(login.Tokens.RefreshExpireTime) {
		s.Error("the refresh token was not kept")
	}
	if renewed.Tokens.Scope != login.Tokens.Scope || renewed.Tokens.Scope == "" {
		s.Errorf("scope %q became %q", login.Tokens.Scope, renewed.Tokens.Scope)
	}
	if renewed.Identity.Subject != login.Identity.Subject {
		s.Errorf("the renewal is about %q", renewed.Identity.Subject)
	}
}

func (s *suite) spentToken() {
	login := s.fake.LogIn(s, s.provider, "alice")
	if _, err := s.provider.Renew(s.Context(), login.Tokens); err != nil {
		s.Fatalf("Renew: %v", err)
	}
	_, err := s.provider.Renew(s.Context(), login.Tokens)
	s.wantKind(err, upstream.KindInvalidGrant)
}

func (s *suite) disabledUser() {
	login := s.fake.LogIn(s, s.provider, "alice")
	s.fake.DisableUser("alice")
	_, err := s.provider.Renew(s.Context(), login.Tokens)
	s.wantKind(err, upstream.KindInvalidGrant)
}

func (s *suite) outage() {
	login := s.fake.LogIn(s, s.provider, "alice")
	for _, endpoint := range []Endpoint{Discovery, Keys, Token, Userinfo, Introspection, Revocation} {
		s.fake.SetFault(endpoint, Reset())
	}
	s.clock.Advance(2 * time.Minute)
	if err := s.provider.Check(s.Context(), login.Tokens); err != nil {
		s.Errorf("Check during an outage: %v", err)
	}
	if err := s.provider.Ready(s.Context()); err != nil {
		s.Errorf("Ready during an outage: %v", err)
	}
	_, err := s.provider.Renew(s.Context(), login.Tokens)
	s.wantKind(err, upstream.KindUnavailable)
	s.wantKind(s.provider.Confirm(s.Context(), login.Tokens), upstream.KindUnavailable)
	s.wantKind(s.provider.Revoke(s.Context(), login.Tokens), upstream.KindUnavailable)
}

func (s *suite) tokensHold() {
	login := s.fake.LogIn(s, s.provider, "alice")
	for _, step := range []struct {
		after time.Duration
		want  upstream.Kind
	}{
		{0, ""},
		{10 * time.Minute, ""}, // expired, but renewable
		{31 * time.Minute, upstream.KindNotHeld},
	} {
		s.clock.Set(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC).Add(step.after))
		if got := upstream.KindOf(s.provider.Check(s.Context(), login.Tokens)); got != step.want {
			s.Errorf("after %v: %q, want %q", step.after, got, step.want)
		}
	}
}

func (s *suite) wrongSecret() {
	login := s.fake.LogIn(s, s.provider, "alice")
	s.fake.SetClientSecret("another")
	_, err := s.provider.Renew(s.Context(), login.Tokens)
	s.wantKind(err, upstream.KindMisconfigured)
	if err := s.provider.Check(s.Context(), login.Tokens); err != nil {
		s.Errorf("Check: %v", err)
	}
	s.wantKind(s.provider.Confirm(s.Context(), login.Tokens), upstream.KindMisconfigured)
	s.wantKind(s.provider.Revoke(s.Context(), login.Tokens), upstream.KindMisconfigured)
}

func (s *suite) wantKind(err error, want upstream.Kind) {
	s.Helper()
	if got := upstream.KindOf(err); got != want {
		s.Errorf("kind %q, want %q: %v", got, want, err)
	}
}
