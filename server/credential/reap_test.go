package credential_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// disconnect ends the grant of the latest login, and lets its code run out.
func (b *bench) disconnect(t *testing.T) {
	t.Helper()
	filter := storage.GrantFilter{ID: b.grantID, Now: b.clock.Now()}
	if _, err := b.store.RevokeGrants(t.Context(), filter, storage.RevokedByUser); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(2 * time.Minute)
}

// reaper is that of one replica.
func (b *bench) reaper() *credential.Reaper {
	return credential.NewReaper(credential.ReaperDeps{
		Store:    b.store,
		Returner: credential.Returner{Store: b.store, Vault: b.vault, Provider: b.provider, Now: b.clock.Now},
		Now:      b.clock.Now,
		Logger:   slog.New(slog.DiscardHandler),
	})
}

func wantReaped(t *testing.T, reaper *credential.Reaper, want int) {
	t.Helper()
	if gone, err := reaper.Reap(t.Context(), 10); err != nil || gone != want {
		t.Errorf("reaped %d, %v; want %d", gone, err, want)
	}
}

// tokens opens the latest credential.
func (b *bench) tokens(t *testing.T) upstream.Tokens {
	t.Helper()
	record, err := b.store.Credential(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := b.vault.Open(record)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestUnusedTokensAreGivenBack(t *testing.T) {
	b := newBench(t)
	reaper, tokens := b.reaper(), b.tokens(t)
	wantReaped(t, reaper, 0) // in use
	b.disconnect(t)
	wantReaped(t, reaper, 1)
	if n := b.idp.Revocations(tokens.RefreshToken); n != 1 {
		t.Errorf("given back %d times", n)
	}
	if _, err := b.store.Credential(t.Context(), b.id); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the row is still there: %v", err)
	}
	wantReaped(t, reaper, 0)
}

// An outage of the provider leaves what is unused in the store, but for the one row with which it was noticed.
func TestTokensAreGivenBackAfterAnOutage(t *testing.T) {
	b := newBench(t)
	reaper := b.reaper()
	first := b.tokens(t)
	b.disconnect(t)
	b.keep(t, withScope(b.idp.LogIn(t, b.provider, "alice"), "openid other"))
	second := b.tokens(t)
	b.disconnect(t)
	b.idp.SetFault(upstreamtest.Revocation, upstreamtest.Status(503))
	wantReaped(t, reaper, 1)
	for range 3 {
		wantReaped(t, reaper, 0)
	}
	b.idp.SetFault(upstreamtest.Revocation, nil)
	wantReaped(t, reaper, 1)
	if n, m := b.idp.Revocations(first.RefreshToken), b.idp.Revocations(second.RefreshToken); n != 1 || m != 1 {
		t.Errorf("given back %d and %d times", n, m)
	}
}

func TestAnOutageThatDoesNotEndStopsNothingForGood(t *testing.T) {
	b := newBench(t)
	reaper := b.reaper()
	b.disconnect(t)
	b.keep(t, withScope(b.idp.LogIn(t, b.provider, "alice"), "openid other"))
	b.disconnect(t)
	b.idp.SetFault(upstreamtest.Revocation, upstreamtest.Status(503))
	wantReaped(t, reaper, 1)
	b.clock.Advance(6 * 24 * time.Hour)
	wantReaped(t, reaper, 0)
	b.clock.Advance(2 * 24 * time.Hour)
	wantReaped(t, reaper, 1)
}

func withScope(login upstream.Login, scope string) upstream.Login {
	login.Tokens.Scope = scope
	return login
}

// Two applications of one browser may rest on two credentials and on one session of the provider, which ends as a whole.
func TestGivingBackEndsNobodyElsesSession(t *testing.T) {
	for name, test := range map[string]struct {
		oneSession bool
		unnamed    string // scopes of logins for which the provider names no session
		given      int
	}{
		"one session":               {oneSession: true},
		"two sessions":              {given: 1},
		"sessions without ids":      {oneSession: true, unnamed: "openid one, openid two"},
		"what goes is without id":   {oneSession: true, unnamed: "openid one"},
		"what stays is without one": {oneSession: true, unnamed: "openid two"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.idp.Configure(func(s *upstreamtest.Settings) { s.OneSession = test.oneSession })
			login := func(scope string) upstream.Login {
				login := withScope(b.idp.LogIn(t, b.provider, "alice"), scope)
				if strings.Contains(test.unnamed, scope) {
					login.SessionID = ""
				}
				return login
			}
			b.disconnect(t)
			reaper := b.reaper()
			wantReaped(t, reaper, 1) // that of the bench itself
			b.keep(t, login("openid one"))
			gone := b.tokens(t)
			b.disconnect(t)
			b.keep(t, login("openid two"))
			wantReaped(t, reaper, 1)
			if n := b.idp.Revocations(gone.RefreshToken); n != test.given {
				t.Errorf("given back %d times, want %d", n, test.given)
			}
			b.clock.Advance(2 * time.Minute)
			b.wantHeld(t, b.keeper(t, b.provider), true)
			if !b.live(t) {
				t.Error("the other application was cut off")
			}
			last := b.tokens(t)
			b.disconnect(t)
			wantReaped(t, reaper, 1)
			if n := b.idp.Revocations(last.RefreshToken); n != 1 {
				t.Errorf("the last one was given back %d times", n)
			}
		})
	}
}

func TestATokenThatTheProviderDoesNotKnowIsGivenBack(t *testing.T) {
	b := newBench(t)
	record, err := b.store.Credential(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	b.disconnect(t)
	returner := credential.Returner{Store: b.store, Vault: b.vault, Provider: b.provider, Now: b.clock.Now}
	for name, test := range map[string]struct {
		fault upstreamtest.Fault
		fails bool
	}{
		"unknown": {upstreamtest.OAuthError(400, "invalid_grant"), false},
		"refused": {upstreamtest.OAuthError(401, "invalid_client"), true},
		"outage":  {upstreamtest.Status(503), true},
	} {
		b.idp.SetFault(upstreamtest.Revocation, test.fault)
		if err := returner.Return(t.Context(), record); (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The user comes back while the row is on its way out: what the new login brought must live, whoever is first.
func TestALoginDuringTheReapLives(t *testing.T) {
	for name, moment := range map[string]func(*hookedStore, func()){
		"before the deletion": func(s *hookedStore, login func()) { s.beforeDelete = login },
		"after the deletion":  func(s *hookedStore, login func()) { s.afterDelete = login },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.idp.Configure(func(s *upstreamtest.Settings) { s.OneSession = true })
			b.disconnect(t)
			hooked := &hookedStore{Store: b.store}
			moment(hooked, sync.OnceFunc(func() { b.login(t) }))
			b.store = hooked
			reaper := b.reaper()
			if _, err := reaper.Reap(t.Context(), 10); err != nil {
				t.Fatal(err)
			}
			b.clock.Advance(2 * time.Minute)
			b.wantHeld(t, b.keeper(t, b.provider), true)
			if !b.live(t) {
				t.Error("the new login was ended")
			}
		})
	}
}

func TestReplicasGiveBackOnce(t *testing.T) {
	b := newBench(t)
	tokens := b.tokens(t)
	b.disconnect(t)
	var group sync.WaitGroup
	for range 4 {
		reaper := b.reaper()
		group.Go(func() {
			if _, err := reaper.Reap(t.Context(), 10); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := b.idp.Revocations(tokens.RefreshToken); n != 1 {
		t.Errorf("given back %d times", n)
	}
}

// hookedStore lets something happen around a deletion.
type hookedStore struct {
	storage.Store
	beforeDelete, afterDelete func()
}

func (s *hookedStore) DeleteCredential(ctx context.Context, id string, version int64, now time.Time) (storage.Credential, error) {
	if s.beforeDelete != nil {
		s.beforeDelete()
	}
	deleted, err := s.Store.DeleteCredential(ctx, id, version, now)
	if s.afterDelete != nil {
		s.afterDelete()
	}
	return deleted, err
}
