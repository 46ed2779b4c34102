package upstream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

type draft = *upstreamtest.Draft

func unsigned(d draft) {
	d.Header["alg"] = "none"
	d.Sign = func([]byte) []byte { return nil }
}

// claim returns an edit that sets one claim, or removes it when value is nil.
func claim(name string, value any) func(draft) {
	return func(d draft) {
		d.Claims[name] = value
		if value == nil {
			delete(d.Claims, name)
		}
	}
}

func header(name string, value any) func(draft) {
	return func(d draft) { d.Header[name] = value }
}

// hmacWith signs with HS256 under bytes that an attacker can know.
func hmacWith(key []byte) func(draft) {
	return func(d draft) {
		d.Header["alg"] = "HS256"
		d.Sign = func(input []byte) []byte {
			mac := hmac.New(sha256.New, key)
			mac.Write(input)
			return mac.Sum(nil)
		}
	}
}

// resigned changes a signature after it was made.
func resigned(change func([]byte) []byte) func(draft) {
	return func(d draft) {
		sign := d.Sign
		d.Sign = func(input []byte) []byte { return change(sign(input)) }
	}
}

func finished(change func(token string) string) func(draft) {
	return func(d draft) { d.Finish = change }
}

// highS is the other valid form of an ECDSA signature: the curve order minus s.
func highS(signature []byte) []byte {
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s)
	return append(signature[:32:32], s.FillBytes(make([]byte, 32))...)
}

// cb-idtoken-validate and appendix C of the catalogue: every one of these tokens is refused, and nothing else happens.
func TestBadIDTokenIsRefused(t *testing.T) {
	key := upstreamtest.NewKey("key-1", "ES256") // not the provider's
	for name, edit := range map[string]func(rig) func(draft){
		"alg none":                        always(unsigned),
		"alg NoNe":                        always(func(d draft) { unsigned(d); d.Header["alg"] = "NoNe" }),
		"alg none with a valid signature": always(header("alg", "none")),
		"alg empty":                       always(header("alg", "")),
		"alg missing":                     always(func(d draft) { delete(d.Header, "alg") }),
		"alg a number":                    always(header("alg", 256)),
		"alg a list":                      always(header("alg", []string{"ES256"})),
		"alg of another key type":         always(header("alg", "RS256")),
		"alg not on our list":             always(header("alg", "ES384")),
		"HS256 with the client secret":    func(r rig) func(draft) { return hmacWith([]byte(r.ClientSecret().Reveal())) },
		"HS256 with the public key as PEM": func(r rig) func(draft) {
			return hmacWith(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki(r)}))
		},
		"HS256 with the public key as DER": func(r rig) func(draft) { return hmacWith(spki(r)) },
		"HS256 with the public key as JWK": func(r rig) func(draft) {
			jwk, _ := json.Marshal(r.SigningKey().JWK())
			return hmacWith(jwk)
		},
		"HS256 with an empty key": always(hmacWith(nil)),

		"signed by another key with our kid":    always(func(d draft) { d.Sign = key.Sign }),
		"signed by another key with its kid":    always(func(d draft) { d.Sign = key.Sign; d.Header["kid"] = "other" }),
		"signed by another key without kid":     always(func(d draft) { d.Sign = key.Sign; delete(d.Header, "kid") }),
		"key in the header":                     always(func(d draft) { d.Sign = key.Sign; d.Header["jwk"] = key.JWK() }),
		"key URL in the header":                 always(func(d draft) { d.Sign = key.Sign; d.Header["jku"] = "http://127.0.0.1:1/keys" }),
		"kid that does not exist":               always(header("kid", "key-9")),
		"kid a number":                          always(header("kid", 1)),
		"kid a path":                            always(header("kid", "../../key-1")),
		"critical header":                       always(header("crit", []string{"exp"})),
		"empty critical header":                 always(header("crit", []string{})),
		"unencoded payload":                     always(header("b64", false)),
		"compressed":                            always(header("zip", "DEF")),
		"type of an access token":               always(header("typ", "at+jwt")),
		"type of a logout token":                always(header("typ", "logout+jwt")),
		"no signature":                          always(finished(func(s string) string { return s[:strings.LastIndex(s, ".")+1] })),
		"two segments":                          always(finished(func(s string) string { return s[:strings.LastIndex(s, ".")] })),
		"five segments":                         always(finished(func(s string) string { return s + ".a.b" })),
		"zero signature":                        always(func(d draft) { d.Sign = func([]byte) []byte { return make([]byte, 64) } }),
		"truncated signature":                   always(resigned(func(s []byte) []byte { return s[:63] })),
		"longer signature":                      always(resigned(func(s []byte) []byte { return append(s, 0) })),
		"flipped bit":                           always(resigned(func(s []byte) []byte { s[10] ^= 1; return s })),
		"padded base64":                         always(finished(func(s string) string { return s + "==" })),
		"line break":                            always(finished(func(s string) string { return s[:20] + "%0A" + s[20:] })),
		"standard base64 alphabet":              always(finished(func(s string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(s) + "+" })),
		"non-canonical last bits":               always(finished(nonCanonical)),
		"claims replaced after signing":         always(finished(swapClaims)),
		"repeated claim":                        repeatClaim,
		"JSON serialisation":                    always(finished(asJSON)),
		"not a token":                           always(finished(func(string) string { return "nonsense" })),
		"issuer missing":                        always(claim("iss", nil)),
		"issuer of another realm":               func(r rig) func(draft) { return claim("iss", r.BaseURL()+"/realms/other") },
		"issuer with a slash":                   func(r rig) func(draft) { return claim("iss", r.Issuer()+"/") },
		"issuer in other case":                  func(r rig) func(draft) { return claim("iss", strings.ToUpper(r.Issuer())) },
		"issuer a list":                         func(r rig) func(draft) { return claim("iss", []string{r.Issuer()}) },
		"audience missing":                      always(claim("aud", nil)),
		"audience another app":                  always(func(d draft) { d.Claims["aud"], d.Claims["azp"] = "other-app", "other-app" }),
		"audience empty":                        always(claim("aud", []string{})),
		"audience a number":                     always(claim("aud", 7)),
		"audience with a number in it":          always(claim("aud", []any{"gatehouse", 7})),
		"audience with null in it":              always(claim("aud", []any{"gatehouse", nil})),
		"audience in other case":                always(claim("aud", "Gatehouse")),
		"azp another app":                       always(claim("azp", "other-app")),
		"azp a list":                            always(claim("azp", []string{"gatehouse"})),
		"azp empty":                             always(claim("azp", "")),
		"two audiences without azp":             always(func(d draft) { d.Claims["aud"] = []string{"gatehouse", "b"}; delete(d.Claims, "azp") }),
		"two audiences with the azp of another": always(func(d draft) { d.Claims["aud"] = []string{"gatehouse", "b"}; d.Claims["azp"] = "b" }),
		"expired":                               always(claim("exp", start.Add(-time.Minute).Unix())),
		"expiry missing":                        always(claim("exp", nil)),
		"expiry zero":                           always(claim("exp", 0)),
		"expiry negative":                       always(claim("exp", -1)),
		"expiry a string":                       always(claim("exp", "4102444800")),
		"expiry 1e308":                          always(claim("exp", 1e308)),
		"expiry 2^63":                           always(claim("exp", json.Number("9223372036854775808"))),
		"expiry a list":                         always(claim("exp", []int{4102444800})),
		"issued in the future":                  always(claim("iat", start.Add(61*time.Second).Unix())),
		"time of issue missing":                 always(claim("iat", nil)),
		"time of issue a string":                always(claim("iat", "now")),
		"not valid yet":                         always(claim("nbf", start.Add(61*time.Second).Unix())),
		"nonce missing":                         always(claim("nonce", nil)),
		"nonce empty":                           always(claim("nonce", "")),
		"nonce of another flow":                 always(claim("nonce", "another")),
		"nonce a list":                          always(func(d draft) { d.Claims["nonce"] = []any{d.Claims["nonce"]} }),
		"hash of another access token":          always(claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")),
		"hash empty":                            always(claim("at_hash", "")),
		"hash a number":                         always(claim("at_hash", 1)),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.EditIDToken(edit(r))
			login, err := r.exchange(t)
			wantKind(t, err, upstream.KindInvalidToken)
			if login.Identity.Subject != "" || !login.Tokens.AccessToken.IsEmpty() {
				t.Error("a refused login gave something away")
			}
			if n := r.Requests(upstreamtest.Userinfo); n != 0 {
				t.Errorf("the tokens were used: %d userinfo requests", n)
			}
		})
	}
}

func always(edit func(draft)) func(rig) func(draft) { return func(rig) func(draft) { return edit } }

func spki(r rig) []byte {
	der, err := x509.MarshalPKIXPublicKey(r.SigningKey().Signer.Public().(*ecdsa.PublicKey))
	if err != nil {
		panic(err)
	}
	return der
}

// nonCanonical changes bits of the last character that no byte needs: a lenient decoder reads the same signature.
func nonCanonical(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last^1])
}

func swapClaims(token string) string {
	parts := strings.Split(token, ".")
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"mallory"}`))
	return strings.Join(parts, ".")
}

func asJSON(token string) string {
	parts := strings.Split(token, ".")
	return `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`
}

// repeatClaim signs a payload that names the subject twice: readers may disagree on who it is.
func repeatClaim(r rig) func(draft) {
	key := r.SigningKey()
	return func(d draft) {
		d.Finish = func(token string) string {
			parts := strings.Split(token, ".")
			payload, err := base64.RawURLEncoding.DecodeString(parts[1])
			if err != nil {
				panic(err)
			}
			twice := strings.Replace(string(payload), "{", `{"sub":"mallory",`, 1)
			input := parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(twice))
			return input + "." + base64.RawURLEncoding.EncodeToString(key.Sign([]byte(input)))
		}
	}
}

func TestGoodIDTokenIsAcceptedInEveryForm(t *testing.T) {
	for name, edit := range map[string]func(draft){
		"as it is":                     func(draft) {},
		"no azp":                       claim("azp", nil),
		"audience a list of one":       claim("aud", []string{"gatehouse"}),
		"two audiences with our azp":   claim("aud", []string{"gatehouse", "b"}),
		"no at_hash":                   claim("at_hash", nil),
		"no typ":                       func(d draft) { delete(d.Header, "typ") },
		"typ in lower case":            header("typ", "jwt"),
		"no kid":                       func(d draft) { delete(d.Header, "kid") },
		"expiry a fraction":            claim("exp", float64(start.Add(time.Minute).Unix())+.5),
		"expired within the leeway":    claim("exp", start.Add(-59*time.Second).Unix()),
		"issued ahead within leeway":   claim("iat", start.Add(59*time.Second).Unix()),
		"foreign header members":       header("x5t", "abc"),
		"claims of unexpected types":   func(d draft) { d.Claims["name"], d.Claims["groups"] = 7, map[string]any{"a": 1} },
		"the other form of signature":  resigned(highS),
		"a null claim":                 func(d draft) { d.Claims["middle_name"] = nil },
		"a subject of 255 characters":  claim("sub", strings.Repeat("s", 255)),
		"a subject with a blank in it": claim("sub", "auth0|a b"),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.EditIDToken(edit)
			if _, err := r.exchange(t); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEveryDefaultAlgorithmIsAccepted(t *testing.T) {
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			r := newRig(t)
			r.RotateKey(algorithm)
			r.LogIn(t, r.provider, "alice")
		})
	}
}

func TestAlgorithmListIsTheOperators(t *testing.T) {
	r := newRig(t, func(c *upstream.OIDCConfig) { c.Algorithms = []string{"RS256"} })
	_, err := r.exchange(t)
	wantKind(t, err, upstream.KindInvalidToken)
	r.RotateKey("RS256")
	if _, err := r.exchange(t); err != nil {
		t.Error(err)
	}
}

// An RSA key that says PS256 is not one for RS256.
func TestAlgorithmIsBoundToTheKey(t *testing.T) {
	r := newRig(t)
	key := r.RotateKey("PS256")
	r.EditIDToken(func(d draft) {
		d.Header["alg"] = "RS256"
		d.Sign = (&upstreamtest.Key{ID: key.ID, Algorithm: "RS256", Signer: key.Signer}).Sign
	})
	_, err := r.exchange(t)
	wantKind(t, err, upstream.KindInvalidToken)
}

func TestMissingIDTokenIsRefused(t *testing.T) {
	r := newRig(t)
	r.EditTokenResponse(func(d map[string]any) { delete(d, "id_token") })
	_, err := r.exchange(t)
	wantKind(t, err, upstream.KindInvalidToken)
}
