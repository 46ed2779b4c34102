package credential_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// longLived lets the provider's access token outlive the test, so that only confirmations tell that it holds.
func (b *bench) longLived(t *testing.T) {
	t.Helper()
	b.idp.Configure(func(s *upstreamtest.Settings) {
		s.AccessLifetime, s.RefreshLifetime = 24*time.Hour, 48*time.Hour
	})
	b.login(t)
}

// down lets the provider answer nothing but 503.
func (b *bench) down() {
	for _, endpoint := range []upstreamtest.Endpoint{
		upstreamtest.Token, upstreamtest.Introspection, upstreamtest.Keys, upstreamtest.Discovery,
	} {
		b.idp.SetFault(endpoint, upstreamtest.Status(503))
	}
}

// An outage is bounded from the last confirmation, whichever replica heard it, and also after a restart.
func TestReplicasShareConfirmations(t *testing.T) {
	b := newBench(t)
	b.longLived(t)
	one, other := b.keeper(t, b.provider), b.keeper(t, b.provider)
	for range 30 {
		b.clock.Advance(time.Minute)
		b.wantHeld(t, one, true)
	}
	asked := b.idp.Requests(upstreamtest.Introspection)
	b.wantHeld(t, other, true)
	if b.idp.Requests(upstreamtest.Introspection) != asked {
		t.Error("the provider was asked again within the interval")
	}
	b.down()
	b.clock.Advance(10 * time.Minute)
	for name, keeper := range map[string]*credential.Keeper{
		"the one that asked": one, "another": other, "one that was started again": b.keeper(t, b.provider),
	} {
		if standing, err := b.standing(t, keeper); err != nil || !standing.Held {
			t.Errorf("%s, ten minutes later: %+v, %v", name, standing, err)
		}
	}
	b.clock.Advance(2 * time.Minute)
	for _, keeper := range []*credential.Keeper{one, other} {
		if _, err := b.standing(t, keeper); oauth.CodeOf(err) != oauth.TemporarilyUnavailable {
			t.Errorf("after the bound: %v", err)
		}
	}
}

// hangingProvider answers when it is told to.
type hangingProvider struct {
	*upstream.OIDC
	proceed chan struct{}
}

func (p *hangingProvider) Confirm(ctx context.Context, tokens upstream.Tokens) error {
	<-p.proceed
	return p.OIDC.Confirm(ctx, tokens)
}

func (p *hangingProvider) Renew(ctx context.Context, tokens upstream.Tokens) (upstream.Login, error) {
	<-p.proceed
	return p.OIDC.Renew(ctx, tokens)
}

func TestProviderThatHangsHoldsNobodyUp(t *testing.T) {
	for name, test := range map[string]struct {
		disabled bool
		renewals int
	}{"and then says yes": {false, 1}, "and then says no": {true, 0}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			provider := &hangingProvider{OIDC: b.provider, proceed: make(chan struct{})}
			keeper := b.impatient(t, provider, time.Millisecond)
			if test.disabled {
				b.idp.DisableUser("alice")
			}
			b.clock.Advance(5 * time.Minute)
			for range 3 {
				b.wantHeld(t, keeper, true)
			}
			close(provider.proceed)
			keeper.Close() // until the answer is stored
			if b.idp.Renewals() != test.renewals || b.live(t) == test.disabled {
				t.Errorf("%d renewals, the grant lives: %t", b.idp.Renewals(), b.live(t))
			}
		})
	}
}

func TestNobodyIsAnsweredFromMemoryBeyondTheStaleness(t *testing.T) {
	b := newBench(t)
	b.longLived(t)
	provider := &hangingProvider{OIDC: b.provider, proceed: make(chan struct{})}
	keeper := b.impatient(t, provider, time.Millisecond)
	b.clock.Advance(time.Hour)
	answered := make(chan credential.Standing, 1)
	go func() {
		standing, _ := b.standing(t, keeper)
		answered <- standing
	}()
	close(provider.proceed)
	if standing := <-answered; !standing.Held {
		t.Error("the provider's answer was not waited for")
	}
}

// panickyProvider has a bug.
type panickyProvider struct{ *upstream.OIDC }

func (panickyProvider) Confirm(context.Context, upstream.Tokens) error { panic("on purpose") }

// A question has a goroutine of its own, where nobody recovers a panic.
func TestAPanicIsTheAnswerAndNotTheEnd(t *testing.T) {
	b := newBench(t)
	b.longLived(t)
	keeper := b.impatient(t, panickyProvider{b.provider}, time.Minute)
	b.clock.Advance(time.Hour)
	for range 2 {
		if standing, err := b.standing(t, keeper); err == nil || standing.Held {
			t.Errorf("standing = %+v, %v", standing, err)
		}
	}
}

// The last word counts, whoever heard it: a refusal that the provider has taken back since does not stand.
func TestAConfirmationElsewhereOutdatesARefusal(t *testing.T) {
	b := newBench(t)
	b.idp.Configure(func(s *upstreamtest.Settings) { s.AccessLifetime = 24 * time.Hour })
	login := b.idp.LogIn(t, b.provider, "alice")
	login.Tokens.RefreshToken = secret.Text{}
	b.keep(t, login)
	one, other := b.keeper(t, b.provider), b.keeper(t, b.provider)
	b.clock.Advance(2 * time.Minute)
	b.idp.SetFault(upstreamtest.Introspection, upstreamtest.Body(200, "application/json", `{"active":false}`))
	b.wantHeld(t, one, false)
	b.idp.SetFault(upstreamtest.Introspection, nil)
	b.clock.Advance(10 * time.Second)
	b.wantHeld(t, other, true)
	b.wantHeld(t, one, true)
	b.down()
	b.clock.Advance(2 * time.Minute)
	b.wantHeld(t, other, true)
	b.wantHeld(t, one, true)
}
