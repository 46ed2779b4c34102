package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/mcpclient"
)

// refusesForeignOriginAndHost: DNS rebinding (MCP transport specification). A token does not help.
func refusesForeignOriginAndHost(t *testing.T, d *deployment) {
	token := d.connect(t, d.alice).access
	for _, test := range []struct {
		header, value string
		want          int
	}{
		{"Origin", "https://attacker.example", http.StatusForbidden},
		{"Origin", "null", http.StatusForbidden},
		{"Host", "attacker.example", http.StatusMisdirectedRequest},
		{"Origin", d.server.URL, http.StatusOK},
	} {
		c := d.mcp(mcpclient.Stateless, token)
		c.Header = http.Header{test.header: {test.value}}
		reply, err := c.Call(t.Context(), "tools/list", nil)
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status != test.want {
			t.Errorf("%s %s: %s, want %d", test.header, test.value, reply, test.want)
		}
	}
}

// refusesForgedTokens tries the classic ways to make a token (RFC 8725) at the endpoint and at VerifyToken.
func refusesForgedTokens(t *testing.T, d *deployment) {
	genuine := d.connect(t, d.alice).access
	verifier := d.authService(t)
	for name, token := range forgeries(t, d, genuine) {
		reply, err := d.mcp(mcpclient.Stateless, token).Call(t.Context(), "tools/list", nil)
		if err != nil {
			t.Fatal(err)
		}
		challenge := reply.Header.Get("WWW-Authenticate")
		if reply.Status != http.StatusUnauthorized || !strings.Contains(challenge, `error="invalid_token"`) {
			t.Errorf("%s: status %d, challenge %q", name, reply.Status, challenge)
		}
		verdict, err := verifier.VerifyToken(t.Context(), verifyRequest(d, token))
		if err != nil || verdict.GetActive() {
			t.Errorf("%s: VerifyToken = %v, %v; want inactive", name, verdict, err)
		}
	}
}

// forgeries returns tokens that say what a genuine one says, or more, and were not issued.
func forgeries(t *testing.T, d *deployment, genuine string) map[string]string {
	t.Helper()
	parts := strings.Split(genuine, ".")
	header, claims := decodePart(t, parts[0]), decodePart(t, parts[1])
	kid := header["kid"]
	withClaim := func(name string, value any) string {
		changed := decodePart(t, parts[1])
		changed[name] = value
		return encodePart(t, changed)
	}
	publicKey := string(d.document(t, "/.well-known/jwks.json").Body)
	return map[string]string{
		"no algorithm":              encodePart(t, map[string]any{"alg": "none", "typ": "at+jwt", "kid": kid}) + "." + parts[1] + ".",
		"no algorithm, upper case":  encodePart(t, map[string]any{"alg": "NONE", "typ": "at+jwt"}) + "." + parts[1] + ".",
		"HS256 by the public key":   signHMAC(t, map[string]any{"alg": "HS256", "typ": "at+jwt", "kid": kid}, claims, publicKey),
		"HS256 by an empty key":     signHMAC(t, map[string]any{"alg": "HS256", "typ": "at+jwt", "kid": kid}, claims, ""),
		"a foreign key":             signECDSA(t, header, claims),
		"a foreign key it brings":   signECDSA(t, map[string]any{"alg": "ES256", "typ": "at+jwt", "jwk": map[string]any{}}, claims),
		"a foreign key by URL":      signECDSA(t, map[string]any{"alg": "ES256", "typ": "at+jwt", "jku": "http://127.0.0.1:1/"}, claims),
		"another subject":           parts[0] + "." + withClaim("sub", "somebody-else") + "." + parts[2],
		"a longer life":             parts[0] + "." + withClaim("exp", 4102444800) + "." + parts[2],
		"more scopes":               parts[0] + "." + withClaim("scope", "admin") + "." + parts[2],
		"no signature":              parts[0] + "." + parts[1] + ".",
		"a zero signature":          parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"a cut signature":           genuine[:len(genuine)-8],
		"two parts":                 parts[0] + "." + parts[1],
		"not a token at all":        "garbage",
		"a token of unusual length": strings.Repeat("a", 20_000),
	}
}

func signECDSA(t *testing.T, header, claims map[string]any) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	input := encodePart(t, header) + "." + encodePart(t, claims)
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func signHMAC(t *testing.T, header, claims map[string]any, key string) string {
	t.Helper()
	input := encodePart(t, header) + "." + encodePart(t, claims)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func decodePart(t *testing.T, part string) map[string]any {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

func encodePart(t *testing.T, members map[string]any) string {
	t.Helper()
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
