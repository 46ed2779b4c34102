package upstreamtest

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

func (s *suite) sessionNamed() {
	first, second := s.fake.LogIn(s, s.provider, "alice"), s.fake.LogIn(s, s.provider, "alice")
	if first.SessionID == "" || first.SessionID == second.SessionID {
		s.Errorf("the sessions are %q and %q", first.SessionID, second.SessionID)
	}
	renewed, err := s.provider.Renew(s.Context(), first.Tokens)
	if err != nil || renewed.SessionID != first.SessionID {
		s.Errorf("session %q became %q: %v", first.SessionID, renewed.SessionID, err)
	}
}

func (s *suite) confirmed() {
	for _, opaque := range []bool{false, true} {
		s.fake.Configure(func(settings *Settings) { settings.Opaque = opaque })
		login := s.fake.LogIn(s, s.provider, "alice")
		before := s.fake.Requests(Introspection)
		if err := s.provider.Confirm(s.Context(), login.Tokens); err != nil {
			s.Errorf("Confirm: %v", err)
		}
		if n := s.fake.Requests(Introspection) - before; n != 1 {
			s.Errorf("%d introspections", n)
		}
	}
}

func (s *suite) expiredUnasked() {
	login := s.fake.LogIn(s, s.provider, "alice")
	s.clock.Advance(10 * time.Minute)
	s.wantKind(s.provider.Confirm(s.Context(), login.Tokens), upstream.KindNotHeld)
	s.wantKind(s.provider.Confirm(s.Context(), upstream.Tokens{}), upstream.KindNotHeld)
	if n := s.fake.Requests(Introspection); n != 0 {
		s.Errorf("%d introspections", n)
	}
}

func (s *suite) endedSession() {
	for name, end := range map[string]func(upstream.Login){
		"one session":       func(login upstream.Login) { s.fake.EndSession(login.SessionID) },
		"all of the person": func(upstream.Login) { s.fake.LogOut("alice") },
		"the person":        func(upstream.Login) { s.fake.DisableUser("alice") },
	} {
		s.fake.AddUser(alice())
		login, other := s.fake.LogIn(s, s.provider, "alice"), s.fake.LogIn(s, s.provider, "bob")
		end(login)
		s.wantKind(s.provider.Confirm(s.Context(), login.Tokens), upstream.KindNotHeld)
		_, err := s.provider.Renew(s.Context(), login.Tokens)
		s.wantKind(err, upstream.KindInvalidGrant)
		if err := s.provider.Confirm(s.Context(), other.Tokens); err != nil {
			s.Errorf("%s ended that of somebody else: %v", name, err)
		}
	}
}

func (s *suite) usedInstead() {
	s.fake.Configure(func(settings *Settings) { settings.OtherAudience = true })
	login := s.fake.LogIn(s, s.provider, "alice")
	if err := s.provider.Confirm(s.Context(), login.Tokens); err != nil {
		s.Errorf("Confirm: %v", err)
	}
	s.fake.EndSession(login.SessionID)
	s.wantKind(s.provider.Confirm(s.Context(), login.Tokens), upstream.KindNotHeld)
	if i, u := s.fake.Requests(Introspection), s.fake.Requests(Userinfo); i != 0 || u != 2 {
		s.Errorf("%d introspections and %d requests to userinfo", i, u)
	}
	s.fake.SetFault(Userinfo, Reset())
	s.wantKind(s.provider.Confirm(s.Context(), login.Tokens), upstream.KindUnavailable)
}

func (s *suite) noIntrospection() {
	s.fake.Configure(func(settings *Settings) { settings.NoIntrospection, settings.NoRevocation = true, true })
	login := s.fake.LogIn(s, s.provider, "alice")
	s.fake.EndSession(login.SessionID)
	if err := s.provider.Confirm(s.Context(), login.Tokens); err != nil {
		s.Errorf("Confirm: %v", err)
	}
	if err := s.provider.Revoke(s.Context(), login.Tokens); err != nil {
		s.Errorf("Revoke: %v", err)
	}
	if n := s.fake.Requests(Introspection) + s.fake.Requests(Revocation); n != 0 {
		s.Errorf("%d requests to endpoints that were not announced", n)
	}
}

func (s *suite) givenBack() {
	login, other := s.fake.LogIn(s, s.provider, "alice"), s.fake.LogIn(s, s.provider, "alice")
	if err := s.provider.Revoke(s.Context(), login.Tokens); err != nil {
		s.Fatalf("Revoke: %v", err)
	}
	if a, r := s.fake.Revocations(login.Tokens.AccessToken), s.fake.Revocations(login.Tokens.RefreshToken); a != 0 || r != 1 {
		s.Errorf("the refresh token was taken back %d times, the access token %d times", r, a)
	}
	s.wantKind(s.provider.Confirm(s.Context(), login.Tokens), upstream.KindNotHeld)
	_, err := s.provider.Renew(s.Context(), login.Tokens)
	s.wantKind(err, upstream.KindInvalidGrant)
	if err := s.provider.Revoke(s.Context(), login.Tokens); err != nil {
		s.Errorf("a second time: %v", err)
	}
	if err := s.provider.Confirm(s.Context(), other.Tokens); err != nil {
		s.Errorf("the other login: %v", err)
	}
}

func (s *suite) accessGivenBack() {
	tokens := s.fake.LogIn(s, s.provider, "alice").Tokens
	tokens.RefreshToken = secret.Text{}
	if err := s.provider.Revoke(s.Context(), tokens); err != nil {
		s.Fatalf("Revoke: %v", err)
	}
	if n := s.fake.Revocations(tokens.AccessToken); n != 1 {
		s.Errorf("the access token was taken back %d times", n)
	}
	s.wantKind(s.provider.Confirm(s.Context(), tokens), upstream.KindNotHeld)
	if err := s.provider.Revoke(s.Context(), upstream.Tokens{}); err != nil {
		s.Errorf("without tokens: %v", err)
	}
}

func (s *suite) logoutToken() {
	login := s.fake.LogIn(s, s.provider, "alice")
	seen := map[string]bool{}
	for _, test := range []struct{ user, subject, session string }{
		{"alice", login.Identity.Subject, login.SessionID},
		{"alice", login.Identity.Subject, ""},
		{"", "", login.SessionID},
	} {
		got, err := s.provider.ReadLogoutToken(s.Context(), s.fake.LogoutToken(test.user, test.session))
		if err != nil {
			s.Errorf("ReadLogoutToken: %v", err)
		}
		if got.Issuer != login.Identity.Issuer || got.Subject != test.subject || got.SessionID != test.session {
			s.Errorf("got %+v, want subject %q and session %q", got, test.subject, test.session)
		}
		if got.ID == "" || seen[got.ID] || !got.IssuedAt.Equal(s.clock.Now()) || !got.Expire.After(got.IssuedAt) {
			s.Errorf("id %q, from %v to %v", got.ID, got.IssuedAt, got.Expire)
		}
		seen[got.ID] = true
	}
}

func (s *suite) otherTokens() {
	tokens := s.fake.LogIn(s, s.provider, "alice").Tokens
	for _, token := range []secret.Text{tokens.IDToken, tokens.AccessToken, tokens.RefreshToken, {}} {
		_, err := s.provider.ReadLogoutToken(s.Context(), token)
		s.wantKind(err, upstream.KindInvalidToken)
	}
}
