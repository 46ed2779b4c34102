package upstreamtest

import (
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// CallbackURL is the redirect URI that the helpers of this package configure.
const CallbackURL = "http://127.0.0.1:8000/auth/callback"

// Attempt is a login on its way: what the authorization server keeps, and what came back in the callback.
type Attempt struct {
	Request  upstream.AuthorizationRequest
	Callback url.Values
}

// Begin sends a user through a provider's authorization URL up to the callback.
func (f *FakeIdP) Begin(tb testing.TB, provider upstream.Provider, user string) Attempt {
	tb.Helper()
	source := secret.NewSource(nil)
	request := upstream.AuthorizationRequest{State: source.Text(""), Nonce: source.Text(""), Verifier: source.Text("")}
	location, err := provider.AuthorizationURL(tb.Context(), request)
	if err != nil {
		tb.Fatalf("AuthorizationURL: %v", err)
	}
	callback, err := url.Parse(f.Authorize(location, user))
	if err != nil {
		tb.Fatalf("callback: %v", err)
	}
	if got := callback.Query().Get("state"); got != request.State.Reveal() {
		tb.Fatalf("the state did not come back: %q", got)
	}
	return Attempt{Request: request, Callback: callback.Query()}
}

// Code returns the authorization code of the callback.
func (a Attempt) Code() secret.Text { return secret.NewText(a.Callback.Get("code")) }

// Exchange returns the request that completes the attempt.
func (a Attempt) Exchange() upstream.ExchangeRequest {
	return upstream.ExchangeRequest{
		Code:     a.Code(),
		Verifier: a.Request.Verifier,
		Nonce:    a.Request.Nonce,
		Issuer:   a.Callback.Get("iss"),
	}
}

// LogIn takes a user through a whole login.
func (f *FakeIdP) LogIn(tb testing.TB, provider upstream.Provider, user string) upstream.Login {
	tb.Helper()
	login, err := provider.Exchange(tb.Context(), f.Begin(tb, provider, user).Exchange())
	if err != nil {
		tb.Fatalf("Exchange: %v", err)
	}
	return login
}

// RunProvider checks what every implementation of upstream.Provider promises. newProvider configures one for the fake,
// on the fake's clock.
func RunProvider(t *testing.T, newProvider func(t *testing.T, f *FakeIdP) upstream.Provider) {
	t.Helper()
	for name, test := range map[string]func(*suite){
		"construction touches no network":                   (*suite).constructionIsOffline,
		"a login tells who it is":                           (*suite).loginIdentifies,
		"two people are two subjects":                       (*suite).subjectsDiffer,
		"a code is presented once, even when it fails":      (*suite).codeOnce,
		"another session's verifier does not redeem a code": (*suite).verifierBinds,
		"a renewal spends one refresh token once":           (*suite).renewalOnce,
		"a renewal keeps what the provider leaves out":      (*suite).renewalCarries,
		"a spent refresh token is an invalid grant":         (*suite).spentToken,
		"a disabled user is an invalid grant":               (*suite).disabledUser,
		"an outage is no verdict":                           (*suite).outage,
		"stored tokens hold while they can be renewed":      (*suite).tokensHold,
		"a rotated client secret is a misconfiguration":     (*suite).wrongSecret,
		"a login names the provider's session":              (*suite).sessionNamed,
		"tokens in use are confirmed":                       (*suite).confirmed,
		"an expired access token is denied without asking":  (*suite).expiredUnasked,
		"tokens of an ended session are not confirmed":      (*suite).endedSession,
		"a token that we may not introspect is used":        (*suite).usedInstead,
		"who does not introspect is taken at Check's word":  (*suite).noIntrospection,
		"a refresh token that is given back ends the rest":  (*suite).givenBack,
		"an access token can be given back by itself":       (*suite).accessGivenBack,
		"a logout token is read":                            (*suite).logoutToken,
		"no other token is a logout token":                  (*suite).otherTokens,
	} {
		t.Run(name, func(t *testing.T) {
			f := New(t)
			clock := &Clock{}
			clock.Set(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC))
			f.SetClock(clock.Now)
			test(&suite{T: t, fake: f, clock: clock, provider: newProvider(t, f)})
		})
	}
}
