package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

const issuer = "https://mcp.example.com"

// ring is one ES256 key.
type ring struct{ key keyring.Key }

func (r ring) Current() keyring.Key { return r.key }
func (r ring) All() []keyring.Key   { return []keyring.Key{r.key} }
func (r ring) Lookup(id string) (keyring.Key, bool) {
	return r.key, id == r.key.ID
}

type fixture struct {
	*Factory
	private *ecdsa.PrivateKey
	now     time.Time
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{private: private, now: time.Unix(1_800_000_000, 0)}
	key := keyring.Key{ID: "key-1", Algorithm: keyring.ES256, Signing: private, Verification: private.Public()}
	f.Factory = NewFactory(ring{key}, secret.NewSource(nil), issuer, func() time.Time { return f.now })
	return f
}

func (f *fixture) mint(t testing.TB) string {
	t.Helper()
	token, err := f.Mint(Subject{UserID: "user", ClientID: "client", GrantID: "grant", Resource: issuer + "/mcp", Scope: "a b"}, f.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// claims are those of a good token.
func (f *fixture) claims() map[string]any {
	return map[string]any{
		"iss": issuer, "sub": "user", "aud": issuer + "/mcp", "exp": f.now.Add(time.Hour).Unix(), "iat": f.now.Unix(),
		"jti": "id", "client_id": "client", "scope": "a b", "grant_id": "grant",
	}
}

// sign makes a token with any header and payload, signed by the real key.
func (f *fixture) sign(t testing.TB, header, payload any) string {
	t.Helper()
	h, errHeader := json.Marshal(header)
	p, errPayload := json.Marshal(payload)
	if errHeader != nil || errPayload != nil {
		t.Fatal(errHeader, errPayload)
	}
	return f.signRaw(t, h, p)
}

func (f *fixture) signRaw(t testing.TB, header, payload []byte) string {
	t.Helper()
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signer, err := jws.NewSigner(jwa.ES256)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign([]byte(input), f.private)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

var goodHeader = map[string]any{"alg": "ES256", "kid": "key-1", "typ": "at+jwt"}

func TestMintedTokenParses(t *testing.T) {
	f := newFixture(t)
	claims, err := f.Parse(f.mint(t))
	if err != nil {
		t.Fatal(err)
	}
	want := Claims{
		Issuer: issuer, Subject: "user", Audience: issuer + "/mcp", Expiry: f.now.Add(time.Hour).Unix(), IssuedAt: f.now.Unix(),
		ID: claims.ID, ClientID: "client", Scope: "a b", GrantID: "grant",
	}
	if claims != want || claims.ID == "" {
		t.Errorf("claims = %+v", claims)
	}
	if _, err := f.Parse(f.sign(t, goodHeader, f.claims())); err != nil {
		t.Errorf("the fixture's own token: %v", err)
	}
}

func TestHeaderAttacks(t *testing.T) {
	f := newFixture(t)
	der, err := x509.MarshalPKIXPublicKey(f.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	hmacKeys := map[string][]byte{
		"DER":    der,
		"PEM":    pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"base64": []byte(base64.StdEncoding.EncodeToString(der)),
	}
	for name, key := range hmacKeys {
		header := jws.NewHeaders()
		_ = header.Set(jws.TypeKey, mediaType)
		_ = header.Set(jws.KeyIDKey, "key-1")
		payload, _ := json.Marshal(f.claims())
		token, err := jws.Sign(payload, jws.WithKey(jwa.HS256, key, jws.WithProtectedHeaders(header)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Parse(string(token)); err == nil {
			t.Errorf("HMAC with the public key as %s was accepted", name)
		}
	}
	for name, change := range map[string]map[string]any{
		"none":              {"alg": "none"},
		"None":              {"alg": "None"},
		"another algorithm": {"alg": "ES384"},
		"HMAC":              {"alg": "HS256"},
		"no algorithm":      {"alg": nil},
		"algorithm number":  {"alg": 1},
		"unknown kid":       {"kid": "../../dev/null"},
		"SQL kid":           {"kid": "' OR 1=1 --"},
		"no kid":            {"kid": nil},
		"kid number":        {"kid": 1},
		"crit":              {"crit": []string{"exp"}},
		"empty crit":        {"crit": []string{}},
		"b64":               {"b64": false},
		"jku":               {"jku": "https://evil.example/jwks"},
		"jwk":               {"jwk": map[string]any{"kty": "EC"}},
		"x5u":               {"x5u": "https://evil.example/x"},
		"x5c":               {"x5c": []string{"MII"}},
		"zip":               {"zip": "DEF"},
		"cty":               {"cty": "JWT"},
		"typ JWT":           {"typ": "JWT"},
		"typ id token":      {"typ": "id_token+jwt"},
		"typ logout token":  {"typ": "logout+jwt"},
		"no typ":            {"typ": nil},
	} {
		header := maps.Clone(goodHeader)
		for member, value := range change {
			if value == nil {
				delete(header, member)
			} else {
				header[member] = value
			}
		}
		if _, err := f.Parse(f.sign(t, header, f.claims())); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestClaimsOfOtherFormsAreRefused(t *testing.T) {
	f := newFixture(t)
	for name, change := range map[string]map[string]any{
		"issuer with slash":  {"iss": issuer + "/"},
		"issuer array":       {"iss": []string{issuer}},
		"no subject":         {"sub": nil},
		"empty subject":      {"sub": ""},
		"numeric subject":    {"sub": 1},
		"audience array":     {"aud": []string{issuer + "/mcp", "x"}},
		"no audience":        {"aud": nil},
		"expired":            {"exp": f.now.Unix()},
		"no expiry":          {"exp": nil},
		"expiry string":      {"exp": "9999999999"},
		"expiry float":       {"exp": 1e308},
		"expiry negative":    {"exp": -1},
		"issued ahead":       {"iat": f.now.Add(2 * time.Minute).Unix()},
		"no id":              {"jti": nil},
		"no client":          {"client_id": nil},
		"no grant":           {"grant_id": nil},
		"scope array":        {"scope": []string{"a"}},
		"claim we never set": {"role": "admin"},
	} {
		claims := f.claims()
		for member, value := range change {
			if value == nil {
				delete(claims, member)
			} else {
				claims[member] = value
			}
		}
		if _, err := f.Parse(f.sign(t, goodHeader, claims)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOddSpellingsAreRefused(t *testing.T) {
	f := newFixture(t)
	good := f.mint(t)
	parts := strings.Split(good, ".")
	last := parts[2]
	for name, token := range map[string]string{
		"empty":               "",
		"one dot":             parts[0] + "." + parts[1],
		"three dots":          good + ".",
		"five parts":          good + "." + good,
		"no signature":        parts[0] + "." + parts[1] + ".",
		"zero signature":      parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86),
		"short signature":     good[:len(good)-1],
		"long signature":      good + "AA",
		"padded":              good + "==",
		"leading space":       " " + good,
		"trailing line break": good + "\n",
		"inner line break":    parts[0] + ".\r\n" + parts[1] + "." + last,
		"standard base64":     parts[0] + "." + parts[1] + "." + last[:10] + "+/" + last[12:],
		"non-canonical bits":  good[:len(good)-1] + other(good[len(good)-1]),
		"JSON form":           `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + last + `"}`,
		"too long":            strings.Repeat("a", MaxLength+1),
		"many dots":           strings.Repeat(".", MaxLength),
		"duplicate alg":       f.signRaw(t, []byte(`{"alg":"ES256","alg":"none","kid":"key-1","typ":"at+jwt"}`), []byte(`{}`)),
	} {
		if _, err := f.Parse(token); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// other changes only the bits of the last character that encode nothing.
func other(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

func TestNothingMayFollowTheHeaderOrTheClaims(t *testing.T) {
	f := newFixture(t)
	header, errHeader := json.Marshal(goodHeader)
	claims, errClaims := json.Marshal(f.claims())
	if errHeader != nil || errClaims != nil {
		t.Fatal(errHeader, errClaims)
	}
	for _, behind := range []string{"}", "]", ",", "{}", "null", "x"} {
		if _, err := f.Parse(f.signRaw(t, append(slices.Clone(header), behind...), claims)); err == nil {
			t.Errorf("a header with %s behind it was accepted", behind)
		}
		if _, err := f.Parse(f.signRaw(t, header, append(slices.Clone(claims), behind...))); err == nil {
			t.Errorf("claims with %s behind them were accepted", behind)
		}
	}
}

func TestReasonsAreTold(t *testing.T) {
	f, stranger := newFixture(t), newFixture(t)
	token := f.mint(t)
	if _, err := stranger.Parse(token); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	f.now = f.now.Add(time.Hour)
	if _, err := f.Parse(token); !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %v", err)
	}
	claims := f.claims()
	claims["iss"] = "https://other.example"
	if _, err := f.Parse(f.sign(t, goodHeader, claims)); !errors.Is(err, ErrIssuer) {
		t.Errorf("another issuer: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	fix, stranger := newFixture(f), newFixture(f)
	good := fix.mint(f)
	f.Add(good)
	f.Add(stranger.mint(f))
	f.Add("..")
	f.Add(`{"payload":""}`)
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := fix.Parse(token); err == nil && token != good {
			t.Errorf("accepted %q", token)
		}
	})
}

func BenchmarkMint(b *testing.B) {
	f := newFixture(b)
	for b.Loop() {
		f.mint(b)
	}
}

func BenchmarkParse(b *testing.B) {
	f := newFixture(b)
	token := f.mint(b)
	for b.Loop() {
		if _, err := f.Parse(token); err != nil {
			b.Fatal(err)
		}
	}
}
