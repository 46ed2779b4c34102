package upstream

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"golang.org/x/oauth2"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

var fuzzTime = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// cannedTransport answers every request with one body.
type cannedTransport struct {
	status int
	body   []byte
}

func (c cannedTransport) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(bytes.NewReader(c.body)),
	}, nil
}

// FuzzUpstreamTokenResponse: any body is an error with a kind, or tokens within all bounds.
func FuzzUpstreamTokenResponse(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":300,"refresh_token":"r","refresh_expires_in":1800,"id_token":"i"}`,
		`{"access_token":"a","token_type":"bearer","expires_in":"300"}`,
		`{"error":"invalid_grant","error_description":"x"}`,
		`{"Access_Token":"a","token_type":"mac","expires_in":-1}`,
		`{"access_token":"a\u0000","token_type":"Bearer","scope":["a"]}`,
		`<html>`, ``, `null`, `[]`, `{"access_token":1e308}`,
	} {
		f.Add(200, []byte(seed))
		f.Add(400, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		p, err := NewOIDC(OIDCConfig{
			Name: "fuzz", Issuer: "https://idp.example.com", ClientID: "c", ClientSecret: secret.NewText("s"),
			RedirectURL: "https://mcp.example.com/cb", HTTPClient: &http.Client{Transport: cannedTransport{status, body}},
			Now: func() time.Time { return fuzzTime },
		})
		if err != nil {
			t.Fatal(err)
		}
		config := p.oauth2(metadata{tokenEndpoint: "https://idp.example.com/token"})
		tokens, err := p.redeem(t.Context(), func(ctx context.Context) (*oauth2.Token, error) { return config.Exchange(ctx, "code") })
		if err != nil {
			if KindOf(err) == KindInvalidGrant && errorCode(body) == "" {
				t.Errorf("a verdict from %q", body)
			}
			return
		}
		if status > 299 {
			t.Errorf("status %d gave tokens", status)
		}
		for _, token := range []secret.Text{tokens.AccessToken, tokens.RefreshToken, tokens.IDToken} {
			if s := token.Reveal(); !isPrintable(s) || len(s) > maxToken || strings.Contains(s, " ") {
				t.Errorf("token %q", s)
			}
		}
		if tokens.AccessToken.IsEmpty() || !isPrintable(tokens.Scope) {
			t.Errorf("tokens from %q", body)
		}
		if end := tokens.AccessExpireTime; !end.IsZero() && (end.Before(fuzzTime.Add(minLifetime)) || end.After(fuzzTime.Add(maxLifetime))) {
			t.Errorf("access token ends %v", end)
		}
		if end := tokens.RefreshExpireTime; !end.IsZero() && (!end.After(fuzzTime) || end.After(fuzzTime.Add(maxRefreshLifetime))) {
			t.Errorf("refresh token ends %v", end)
		}
	})
}

// FuzzJWKS: a good key is found whatever stands beside it, and no symmetric or weak key is ever offered.
func FuzzJWKS(f *testing.F) {
	good, _ := testKey()
	goodJWK := publicJWK(f, good)
	for _, seed := range []string{
		`{}`, `null`, `"x"`, `{"kty":"oct","k":"AAAA"}`, `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`,
		`{"kty":"RSA","n":"AQAB","e":"AQ"}`, `{"kty":"OKP","crv":"Ed25519","x":""}`, `{"kty":"OKP","crv":"X25519","x":"AA"}`,
		`{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`, string(goodJWK), `{"keys":[]}`, `{"kty":"RSA","x5c":["!"]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, odd []byte) {
		checkCandidates(t, odd) // as a whole document
		if !json.Valid(odd) || len(odd) > maxKeysBody/2 {
			return
		}
		document := append([]byte(`{"keys":[`), odd...)
		document = append(append(append(document, ','), goodJWK...), "]}"...)
		set, _, err := parseKeySet(document)
		if err != nil {
			t.Fatalf("%s: %v", odd, err)
		}
		found := false
		for _, key := range set.candidates("good", jwa.EdDSA) {
			public, ok := key.(ed25519.PublicKey)
			found = found || ok && public.Equal(good)
		}
		if !found {
			t.Errorf("the good key is not found beside %s", odd)
		}
		checkCandidates(t, document)
	})
}

func checkCandidates(t *testing.T, document []byte) {
	t.Helper()
	set, _, err := parseKeySet(document)
	if err != nil {
		return
	}
	for _, algorithm := range []jwa.SignatureAlgorithm{jwa.NoSignature, jwa.HS256, jwa.HS512, "", "none"} {
		if n := len(set.candidates("", algorithm)); n != 0 {
			t.Errorf("%d keys for algorithm %q", n, algorithm)
		}
	}
}

// FuzzIDToken: without the private key of the test nobody makes a token that is accepted.
func FuzzIDToken(f *testing.F) {
	public, private := testKey()
	_, foreign, err := ed25519.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		f.Fatal(err)
	}
	v := testVerifier(f, public)
	claims := []byte(`{"iss":"https://idp.example.com","aud":"c","sub":"alice","nonce":"n","iat":1788264000,"exp":1788267600}`)
	genuine := sign(f, claims, private)
	if _, err := v.idToken(f.Context(), secret.NewText(genuine), secret.NewText("n"), secret.Text{}); err != nil {
		f.Fatalf("the genuine token: %v", err)
	}
	parts := strings.Split(genuine, ".")
	for _, seed := range []string{
		sign(f, claims, foreign),
		segment.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		segment.EncodeToString([]byte(`{"alg":"HS256","kid":"good"}`)) + "." + parts[1] + "." + parts[2],
		segment.EncodeToString([]byte(`{"alg":"EdDSA","kid":"good","crit":["exp"]}`)) + "." + parts[1] + "." + parts[2],
		segment.EncodeToString([]byte(`{"alg":"EdDSA","b64":false}`)) + "." + string(claims) + "." + parts[2],
		parts[0] + "." + segment.EncodeToString([]byte(`{"sub":"mallory"}`)) + "." + parts[2],
		genuine + "=", genuine + "\n", genuine[1:], parts[0] + ".." + parts[2], "..", "", "{}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if token == genuine {
			return
		}
		if claims, err := v.idToken(t.Context(), secret.NewText(token), secret.Text{}, secret.Text{}); err == nil {
			t.Errorf("accepted %q: %v", token, claims)
		}
		if parsed, ok := v.issuedHere(secret.NewText(token)); ok {
			if _, err := v.accessToken(t.Context(), parsed); err == nil {
				t.Errorf("accepted %q as an access token", token)
			}
		}
	})
}

func testKey() (ed25519.PublicKey, ed25519.PrivateKey) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	return private.Public().(ed25519.PublicKey), private
}

func publicJWK(tb testing.TB, public ed25519.PublicKey) []byte {
	tb.Helper()
	key, err := jwk.FromRaw(public)
	if err != nil {
		tb.Fatal(err)
	}
	if err := key.Set(jwk.KeyIDKey, "good"); err != nil {
		tb.Fatal(err)
	}
	data, err := json.Marshal(key)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func sign(tb testing.TB, claims []byte, private ed25519.PrivateKey) string {
	tb.Helper()
	headers := jws.NewHeaders()
	if err := headers.Set(jws.KeyIDKey, "good"); err != nil {
		tb.Fatal(err)
	}
	token, err := jws.Sign(claims, jws.WithKey(jwa.EdDSA, private, jws.WithProtectedHeaders(headers)))
	if err != nil {
		tb.Fatal(err)
	}
	return string(token)
}

// testVerifier has its keys loaded and asks nobody for more.
func testVerifier(tb testing.TB, public ed25519.PublicKey) *verifier {
	tb.Helper()
	set, _, err := parseKeySet([]byte(`{"keys":[` + string(publicJWK(tb, public)) + `]}`))
	if err != nil {
		tb.Fatal(err)
	}
	now := func() time.Time { return fuzzTime }
	return &verifier{
		issuer: "https://idp.example.com", clientID: "c", algorithms: []jwa.SignatureAlgorithm{jwa.EdDSA, jwa.ES256}, now: now,
		logoutAge: 3 * time.Minute,
		keys: &lastGood[keySet]{
			name: "keys", maxAge: time.Hour, now: now, logger: slog.New(slog.DiscardHandler),
			good: &version[keySet]{value: set, loadTime: fuzzTime}, renewTime: fuzzTime,
		},
	}
}
