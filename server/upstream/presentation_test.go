package upstream_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*upstream.Error](err); ok {
		return e.RetryAfter
	}
	return -1
}

// cb-upstream-authstyle: a transport that would repeat a request finds that it cannot.
func TestTransportThatRepeatsRequestsIsStopped(t *testing.T) {
	r := newRig(t)
	repeating := newProvider(t, r.FakeIdP, func(c *upstream.OIDCConfig) { c.HTTPClient = &http.Client{Transport: repeater{}} })
	attempt := r.Begin(t, repeating, "alice")
	r.SetFault(upstreamtest.Token, upstreamtest.Reset())
	_, err := repeating.Exchange(t.Context(), attempt.Exchange())
	wantKind(t, err, upstream.KindUnavailable)
	if n := r.Presentations(attempt.Code()); n != 1 {
		t.Errorf("the code was presented %d times", n)
	}
}

// repeater sends a request again if it can rewind the body, as transports do.
type repeater struct{}

func (repeater) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil && request.GetBody != nil {
		again := request.Clone(request.Context())
		again.Body, _ = request.GetBody()
		return http.DefaultTransport.RoundTrip(again)
	}
	return response, err
}

// An HTTP/2 server that goes away in the middle makes Go's transport repeat requests that it may not have seen.
func TestHTTP2ConnectionThatGoesAwayIsNotRetried(t *testing.T) {
	var presented atomic.Int32
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_, _ = w.Write([]byte(`{"issuer":"` + server.URL + `","authorization_endpoint":"` + server.URL + `/a","token_endpoint":"` +
				server.URL + `/t","jwks_uri":"` + server.URL + `/k"}`))
		case "/k":
			_, _ = w.Write([]byte(`{"keys":[` + ed25519JWK + `]}`))
		case "/t":
			presented.Add(1)
			panic(http.ErrAbortHandler) // RST_STREAM
		}
	})
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	p, err := upstream.NewOIDC(upstream.OIDCConfig{
		Name: "h2", Issuer: server.URL, ClientID: "gatehouse", ClientSecret: secret.NewText("s"),
		RedirectURL: upstreamtest.CallbackURL, HTTPClient: server.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Exchange(t.Context(), upstream.ExchangeRequest{Code: secret.NewText("code"), Nonce: secret.NewText("n")})
	wantKind(t, err, upstream.KindUnavailable)
	if n := presented.Load(); n != 1 {
		t.Errorf("the code was presented %d times", n)
	}
}

// ed25519JWK is the public key of RFC 8037 appendix A.2.
const ed25519JWK = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

// A caller who hangs up must not lose a refresh token that the provider is rotating.
func TestRenewalOutlivesItsCaller(t *testing.T) {
	r := newRig(t)
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	ctx, cancel := context.WithCancel(t.Context())
	r.EditTokenResponse(func(map[string]any) { cancel() })
	login, err := r.provider.Renew(ctx, tokens)
	if err != nil {
		t.Fatal(err)
	}
	if login.Tokens.RefreshToken.Equal(tokens.RefreshToken) {
		t.Error("the new refresh token is lost")
	}
}

func TestNothingIsSentForACallerWhoIsGone(t *testing.T) {
	r := newRig(t)
	tokens := r.LogIn(t, r.provider, "alice").Tokens
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.provider.Renew(ctx, tokens)
	wantKind(t, err, upstream.KindUnavailable)
	if n := r.Presentations(tokens.RefreshToken); n != 0 {
		t.Errorf("the refresh token was presented %d times", n)
	}
}

// The secret has characters that a naive header would get wrong, and is in the header or the body, never in both.
func TestClientAuthenticationIsInOnePlace(t *testing.T) {
	for style, wantHeader := range map[upstream.AuthStyle]bool{upstream.AuthBasic: true, upstream.AuthPost: false} {
		r := newRig(t, func(c *upstream.OIDCConfig) { c.AuthStyle = style })
		attempt := r.Begin(t, r.provider, "alice")
		var inHeader, inBody bool
		r.SetFault(upstreamtest.Token, func(w http.ResponseWriter, request *http.Request) {
			_, _, inHeader = request.BasicAuth()
			inBody = request.PostFormValue("client_secret") != ""
			upstreamtest.OAuthError(http.StatusUnauthorized, "invalid_client")(w, request)
		})
		_, err := r.provider.Exchange(t.Context(), attempt.Exchange())
		wantKind(t, err, upstream.KindMisconfigured)
		if inHeader != wantHeader || inBody == wantHeader {
			t.Errorf("%s: in the header %v, in the body %v", style, inHeader, inBody)
		}
		if n := r.Presentations(attempt.Code()); n != 1 {
			t.Errorf("%s: the code was presented %d times", style, n)
		}
	}
}
