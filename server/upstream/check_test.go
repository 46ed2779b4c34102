package upstream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func TestStoredTokensHoldOrNot(t *testing.T) {
	later := func(d time.Duration) func(*testing.T, rig) { return func(_ *testing.T, r rig) { r.clock.Advance(d) } }
	// The login of somebody else makes the new key known.
	rotate := func(t *testing.T, r rig) {
		t.Helper()
		r.clock.Advance(2 * time.Minute)
		r.RotateKey("ES256")
		r.LogIn(t, r.provider, "bob")
	}
	withdraw := func(t *testing.T, r rig) {
		t.Helper()
		r.clock.Advance(2 * time.Minute)
		r.RotateKey("ES256")
		r.DropOldKeys()
		r.LogIn(t, r.provider, "bob")
	}
	keep := func(tokens upstream.Tokens) upstream.Tokens { return tokens }
	noRefresh := func(tokens upstream.Tokens) upstream.Tokens {
		tokens.RefreshToken, tokens.RefreshExpireTime = secret.Text{}, time.Time{}
		return tokens
	}
	offline := func(tokens upstream.Tokens) upstream.Tokens {
		tokens.RefreshExpireTime = time.Time{}
		return tokens
	}
	for name, test := range map[string]struct {
		opaque bool
		change func(upstream.Tokens) upstream.Tokens
		then   func(*testing.T, rig)
		want   upstream.Kind
	}{
		"fresh":                               {false, keep, later(0), ""},
		"expired, renewable":                  {false, keep, later(29 * time.Minute), ""},
		"expired, refresh token over as well": {false, keep, later(30 * time.Minute), upstream.KindNotHeld},
		"expired, refresh token without end":  {false, offline, later(90 * 24 * time.Hour), ""},
		"valid without refresh token":         {false, noRefresh, later(4 * time.Minute), ""},
		"just expired without refresh token":  {false, noRefresh, later(5*time.Minute + 59*time.Second), ""},
		"expired without refresh token":       {false, noRefresh, later(6 * time.Minute), upstream.KindNotHeld},
		"opaque and fresh":                    {true, keep, later(0), ""},
		"opaque, expired, renewable":          {true, keep, later(20 * time.Minute), ""},
		"opaque, expired without refresh":     {true, noRefresh, later(6 * time.Minute), upstream.KindNotHeld},
		"opaque without any end": {true, func(tokens upstream.Tokens) upstream.Tokens {
			tokens = noRefresh(tokens)
			tokens.AccessExpireTime = time.Time{}
			return tokens
		}, later(time.Hour), ""},
		"key withdrawn":                         {false, keep, withdraw, upstream.KindNotHeld},
		"opaque, key of the ID token withdrawn": {true, keep, withdraw, upstream.KindNotHeld},
		"key rotated, old one still published":  {false, keep, rotate, ""},
		"nothing stored":                        {false, func(upstream.Tokens) upstream.Tokens { return upstream.Tokens{} }, later(0), upstream.KindNotHeld},
		"tampered access token": {false, func(tokens upstream.Tokens) upstream.Tokens {
			tokens.AccessToken = secret.NewText(swapSignature(tokens.AccessToken, tokens.IDToken))
			return tokens
		}, later(0), upstream.KindNotHeld},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Configure(func(s *upstreamtest.Settings) { s.Opaque = test.opaque })
			tokens := test.change(r.LogIn(t, r.provider, "alice").Tokens)
			test.then(t, r)
			before := r.Requests(upstreamtest.Token)
			wantKind(t, r.provider.Check(t.Context(), tokens), test.want)
			if n := r.Requests(upstreamtest.Token); n != before {
				t.Error("the token endpoint was asked")
			}
		})
	}
}

// swapSignature puts the signature of one token under another.
func swapSignature(token, other secret.Text) string {
	a, b := token.Reveal(), other.Reveal()
	return a[:strings.LastIndex(a, ".")] + b[strings.LastIndex(b, "."):]
}

func TestTokensOfAnotherClientDoNotHold(t *testing.T) {
	r := newRig(t)
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	other := newProvider(t, r.FakeIdP, func(c *upstream.OIDCConfig) { c.ClientID = "other" })
	wantKind(t, other.Check(t.Context(), tokens), upstream.KindNotHeld)
}

func TestCheckWithoutKeysIsNoVerdict(t *testing.T) {
	r := newRig(t)
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	restarted := newProvider(t, r.FakeIdP)
	r.SetFault(upstreamtest.Keys, upstreamtest.Reset())
	wantKind(t, restarted.Check(t.Context(), tokens), upstream.KindUnavailable)
	r.SetFault(upstreamtest.Keys, nil)
	r.clock.Advance(3 * time.Second)
	wantKind(t, restarted.Check(t.Context(), tokens), "")
}

// A provider that rotates while its key set cannot be reached must not log anybody out.
func TestTokenOfANewKeyDuringAnOutageIsNoVerdict(t *testing.T) {
	r := newRig(t)
	r.LogIn(t, r.provider, "alice")
	r.RotateKey("ES256")
	tokens := r.LogIn(t, newProvider(t, r.FakeIdP), "alice").Tokens // by another replica
	r.SetFault(upstreamtest.Keys, upstreamtest.Reset())
	wantKind(t, r.provider.Check(t.Context(), tokens), upstream.KindUnavailable)
	r.SetFault(upstreamtest.Keys, nil)
	r.clock.Advance(3 * time.Second)
	wantKind(t, r.provider.Check(t.Context(), tokens), "")
}

// Many grants under one withdrawn key get one answer, for one request to the provider.
func TestWithdrawnKeyIsTheSameVerdictForEverybody(t *testing.T) {
	r := newRig(t)
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	r.RotateKey("ES256")
	r.DropOldKeys()
	r.clock.Advance(11 * time.Minute)
	r.LogIn(t, r.provider, "bob")
	before := r.Requests(upstreamtest.Keys)
	for range 50 {
		wantKind(t, r.provider.Check(t.Context(), tokens), upstream.KindNotHeld)
	}
	if n := r.Requests(upstreamtest.Keys) - before; n > 1 {
		t.Errorf("%d requests for keys", n)
	}
}
