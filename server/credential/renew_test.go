package credential_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func says(name string, value any) func(*upstreamtest.Draft) {
	return func(d *upstreamtest.Draft) { d.Claims[name] = value }
}

// recorder notes every refresh token that is presented.
type recorder struct {
	*upstream.OIDC
	presented []secret.Text
	deadline  time.Duration
}

func (r *recorder) Renew(ctx context.Context, tokens upstream.Tokens) (upstream.Login, error) {
	r.presented = append(r.presented, tokens.RefreshToken)
	if end, ok := ctx.Deadline(); ok {
		r.deadline = time.Until(end)
	}
	return r.OIDC.Renew(ctx, tokens)
}

// The provider has rotated its refresh token with an answer that proves nothing. The session goes on for as long as it
// would without an answer, no refresh token is presented twice, and a good answer mends everything.
func TestUnverifiedRenewalConfirmsNothing(t *testing.T) {
	for name, spoil := range map[string]func(*upstreamtest.FakeIdP){
		"another issuer":   func(f *upstreamtest.FakeIdP) { f.EditIDToken(says("iss", "https://evil.example")) },
		"another audience": func(f *upstreamtest.FakeIdP) { f.EditIDToken(says("aud", "other")) },
		"another nonce":    func(f *upstreamtest.FakeIdP) { f.EditIDToken(says("nonce", "other")) },
		"no expiry":        func(f *upstreamtest.FakeIdP) { f.EditIDToken(says("exp", "soon")) },
		"keys out of reach": func(f *upstreamtest.FakeIdP) {
			f.RotateKey("ES256")
			f.SetFault(upstreamtest.Keys, upstreamtest.Reset())
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.idp.Configure(func(s *upstreamtest.Settings) { s.RefreshLifetime = 24 * time.Hour })
			b.login(t)
			provider := &recorder{OIDC: b.provider}
			keeper, other := b.keeper(t, provider), b.keeper(t, provider)
			spoil(b.idp)
			b.clock.Advance(5 * time.Minute)
			for range 5 {
				b.wantHeld(t, keeper, true)
				b.wantHeld(t, other, true)
				b.clock.Advance(time.Minute)
			}
			b.clock.Advance(2 * time.Minute) // over a minute of confirmation and ten of staleness
			for _, replica := range []*credential.Keeper{keeper, other} {
				_, err := b.standing(t, replica)
				if outage, ok := errors.AsType[*oauth.Error](err); !ok || outage.Code != oauth.TemporarilyUnavailable || outage.RetryAfter == 0 {
					t.Errorf("after the bound: %v", err)
				}
			}
			if !b.live(t) {
				t.Fatal("the user was logged out")
			}
			b.idp.EditIDToken(nil)
			b.idp.SetFault(upstreamtest.Keys, nil)
			b.clock.Advance(time.Minute)
			b.wantHeld(t, keeper, true)
			b.wantHeld(t, other, true)
			for _, token := range provider.presented {
				if n := b.idp.Presentations(token); n != 1 {
					t.Errorf("a refresh token was presented %d times", n)
				}
			}
		})
	}
}

// The last confirmation of one replica is known to all when it has to stand.
func TestUnverifiedRenewalKeepsTheLastConfirmation(t *testing.T) {
	b := newBench(t)
	b.idp.Configure(func(s *upstreamtest.Settings) { s.AccessLifetime, s.RefreshLifetime = time.Hour, 24*time.Hour })
	b.login(t)
	keeper, other := b.keeper(t, b.provider), b.keeper(t, b.provider)
	b.clock.Advance(58 * time.Minute)
	b.wantHeld(t, keeper, true) // introspected
	b.idp.EditIDToken(says("aud", "other"))
	b.clock.Advance(90 * time.Second)
	b.wantHeld(t, keeper, true)
	b.wantHeld(t, other, true)
	b.clock.Advance(10 * time.Minute)
	if _, err := b.standing(t, other); err == nil {
		t.Error("it stands beyond its time")
	}
}

// careless is a provider that does not compare whom a renewal is about.
type careless struct{ credential.Provider }

func (p careless) Renew(ctx context.Context, tokens upstream.Tokens) (upstream.Login, error) {
	login, err := p.Provider.Renew(ctx, tokens)
	login.Identity.Subject = "mallory"
	return login, err
}

func TestAnotherSubjectEndsTheGrantsAndLeavesNothingBehind(t *testing.T) {
	for name, provider := range map[string]func(b *bench) credential.Provider{
		"as the provider notices": func(b *bench) credential.Provider {
			b.idp.EditIDToken(says("sub", "mallory"))
			return b.provider
		},
		"as it says without noticing": func(b *bench) credential.Provider { return careless{b.provider} },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			before := b.tokens(t)
			keeper := b.keeper(t, provider(b))
			b.clock.Advance(5 * time.Minute)
			b.wantHeld(t, keeper, false)
			if b.live(t) || len(b.revoked) != 1 {
				t.Errorf("grant lives: %t; verifiers were told of %d", b.live(t), len(b.revoked))
			}
			if after := b.tokens(t); !after.RefreshToken.Equal(before.RefreshToken) || !after.AccessToken.Equal(before.AccessToken) {
				t.Error("tokens of somebody else were stored")
			}
		})
	}
}

func TestNewKeysOfTheProviderAreFetchedForARenewal(t *testing.T) {
	b := newBench(t)
	keeper := b.keeper(t, b.provider)
	b.idp.RotateKey("ES256")
	fetched := b.idp.Requests(upstreamtest.Keys)
	b.clock.Advance(5 * time.Minute)
	b.wantHeld(t, keeper, true)
	if n := b.idp.Requests(upstreamtest.Keys) - fetched; n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
	record, err := b.store.Credential(t.Context(), b.id)
	if err != nil || !record.UpdateTime.Equal(b.clock.Now()) {
		t.Errorf("the renewal is no confirmation: %v, %v", record.UpdateTime, err)
	}
}

// What is left of the lease must do for the request under way and for storing its answer.
func TestRenewalEndsWithinItsLease(t *testing.T) {
	b := newBench(t)
	provider := &recorder{OIDC: b.provider}
	b.clock.Advance(5 * time.Minute)
	b.wantHeld(t, b.keeper(t, provider), true)
	if provider.deadline <= 0 || provider.deadline > 15*time.Second {
		t.Errorf("a renewal may begin %s after the lease of 30 s", provider.deadline)
	}
}

// A clock that ran ahead and was put right must not leave a confirmation that stands for as long as it was wrong.
func TestConfirmationFromTheFutureDoesNotStand(t *testing.T) {
	b := newBench(t)
	b.idp.Configure(func(s *upstreamtest.Settings) { s.AccessLifetime = 72 * time.Hour })
	b.login(t)
	keeper, now := b.keeper(t, b.provider), b.clock.Now()
	b.clock.Advance(24 * time.Hour)
	b.wantHeld(t, keeper, true)
	b.clock.Set(now.Add(2 * time.Minute))
	b.idp.LogOut("alice")
	b.wantHeld(t, keeper, false)
}

// overtaken is a provider at which the user logs in while a renewal is under way.
type overtaken struct {
	credential.Provider
	login func()
}

func (p overtaken) Renew(ctx context.Context, tokens upstream.Tokens) (upstream.Login, error) {
	p.login()
	return p.Provider.Renew(ctx, tokens)
}

func TestALoginDuringARenewalConfirms(t *testing.T) {
	b := newBench(t)
	b.idp.Configure(func(s *upstreamtest.Settings) { s.RefreshLifetime = 24 * time.Hour })
	b.login(t)
	keeper := b.keeper(t, overtaken{b.provider, func() { b.login(t) }})
	b.clock.Advance(time.Hour) // nothing else stands any more
	b.wantHeld(t, keeper, true)
	record, err := b.store.Credential(t.Context(), b.id)
	if err != nil || record.Version != 3 {
		t.Errorf("the login is not what is stored: version %d, %v", record.Version, err)
	}
}
