package upstream_test

import (
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// addKeys puts keys in front of the provider's own.
func addKeys(keys ...any) func(map[string]any) {
	return func(d map[string]any) { d["keys"] = append(keys, d["keys"].([]any)...) }
}

// jwks-partial: an odd key beside the right one breaks nothing.
func TestOddKeysAreSkipped(t *testing.T) {
	type jwk = map[string]any
	for name, edit := range map[string]func(map[string]any){
		"an Ed25519 key":          addKeys(jwk{"kty": "OKP", "crv": "Ed25519", "kid": "o", "x": strings.Repeat("A", 43)}),
		"an Ed448 key":            addKeys(jwk{"kty": "OKP", "crv": "Ed448", "kid": "o", "x": strings.Repeat("A", 76)}),
		"an X25519 key":           addKeys(jwk{"kty": "OKP", "crv": "X25519", "kid": "o", "x": strings.Repeat("A", 43)}),
		"a secp256k1 key":         addKeys(jwk{"kty": "EC", "crv": "secp256k1", "kid": "o", "x": "AA", "y": "AA"}),
		"a point off the curve":   addKeys(jwk{"kty": "EC", "crv": "P-256", "kid": "o", "x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)}),
		"a key type of tomorrow":  addKeys(jwk{"kty": "AKP", "alg": "ML-DSA-44", "kid": "o", "pub": "AA"}),
		"a symmetric key":         addKeys(jwk{"kty": "oct", "kid": "key-1", "k": "AAAA"}),
		"an encryption key":       addKeys(jwk{"kty": "RSA", "use": "enc", "kid": "key-1", "n": strings.Repeat("x", 342), "e": "AQAB"}),
		"a short RSA key":         addKeys(jwk{"kty": "RSA", "kid": "key-1", "n": strings.Repeat("x", 86), "e": "AQAB"}),
		"a huge RSA key":          addKeys(jwk{"kty": "RSA", "kid": "key-1", "n": strings.Repeat("x", 3000), "e": "AQAB"}),
		"an RSA key with e=1":     addKeys(jwk{"kty": "RSA", "kid": "key-1", "n": strings.Repeat("x", 342), "e": "AQ"}),
		"the same id, other type": addKeys(jwk{"kty": "RSA", "kid": "key-1", "n": strings.Repeat("x", 342), "e": "AQAB"}),
		"the same id, same type":  addKeys(withID(upstreamtest.NewKey("x", "ES256").JWK(), "key-1")),
		"not an object":           addKeys("key", 7, nil, []any{}),
		"an empty object":         addKeys(jwk{}),
		"a broken certificate":    addKeys(jwk{"kty": "RSA", "kid": "o", "n": "AQ", "e": "AQAB", "x5c": []string{"%%%"}}),
		"a private key":           addKeys(jwk{"kty": "EC", "crv": "P-256", "kid": "o", "x": "AA", "y": "AA", "d": "AA"}),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.EditKeys(edit)
			r.LogIn(t, r.provider, "alice")
		})
	}
}

func withID(jwk map[string]any, id string) map[string]any {
	jwk["kid"] = id
	return jwk
}

func TestKeyForAnotherPurposeVerifiesNothing(t *testing.T) {
	for name, member := range map[string]struct {
		name  string
		value any
	}{
		"for encryption":      {"use", "enc"},
		"to sign with":        {"key_ops", []string{"sign"}},
		"of another alg":      {"alg", "ES384"},
		"with an endless kid": {"kid", strings.Repeat("k", 300)},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.EditKeys(func(d map[string]any) { d["keys"].([]any)[0].(map[string]any)[member.name] = member.value })
			if _, err := r.exchange(t); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// badKeySets are answers that hold no usable set.
func badKeySets() map[string]upstreamtest.Fault {
	return map[string]upstreamtest.Fault{
		"500":            upstreamtest.Status(http.StatusInternalServerError),
		"404":            upstreamtest.Status(http.StatusNotFound),
		"HTML":           upstreamtest.Status(http.StatusOK),
		"reset":          upstreamtest.Reset(),
		"truncated":      upstreamtest.Truncate(`{"keys":[`),
		"empty":          jsonBody(""),
		"a list":         jsonBody("[]"),
		"no keys":        jsonBody("{}"),
		"empty set":      jsonBody(`{"keys":[]}`),
		"keys an object": jsonBody(`{"keys":{}}`),
		"unusable only":  jsonBody(`{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"what"}]}`),
		"101 keys":       jsonBody(`{"keys":[` + strings.Repeat(ed25519JWK+",", 100) + ed25519JWK + `]}`),
		"257 KB":         jsonBody(`{"keys":[` + ed25519JWK + `]}` + strings.Repeat(" ", 257<<10)),
		"endless":        upstreamtest.Endless(),
		"a redirect":     upstreamtest.Redirect("http://127.0.0.1:1/keys"),
	}
}

func TestLastGoodKeysSurviveABadSet(t *testing.T) {
	for name, fault := range badKeySets() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.LogIn(t, r.provider, "alice")
			r.SetFault(upstreamtest.Keys, fault)
			r.clock.Advance(11 * time.Minute) // over the age of keys
			r.LogIn(t, r.provider, "alice")
		})
	}
}

func TestWithoutAnyKeysThereIsNoLogin(t *testing.T) {
	for name, fault := range badKeySets() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			attempt := r.Begin(t, r.provider, "alice")
			r.SetFault(upstreamtest.Keys, fault)
			if _, err := r.provider.Exchange(t.Context(), attempt.Exchange()); err == nil {
				t.Error("accepted")
			}
			if n := r.Presentations(attempt.Code()); n != 0 {
				t.Errorf("the code was presented %d times", n)
			}
		})
	}
}

// rel-idp-jwks: logins around a rotation succeed, for two requests to the key set.
func TestRotationIsPickedUpAtOnce(t *testing.T) {
	for name, rotate := range map[string]func(rig){
		"new key beside the old": func(r rig) { r.RotateKey("ES256") },
		"new key alone":          func(r rig) { r.RotateKey("ES256"); r.DropOldKeys() },
		"new key under old id":   func(r rig) { r.ReplaceKey() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.LogIn(t, r.provider, "alice")
			r.clock.Advance(time.Minute)
			rotate(r)
			var wait sync.WaitGroup
			for range 20 {
				attempt := r.Begin(t, r.provider, "alice")
				wait.Go(func() {
					if _, err := r.provider.Exchange(t.Context(), attempt.Exchange()); err != nil {
						t.Errorf("Exchange: %v", err)
					}
				})
			}
			wait.Wait()
			if n := r.Requests(upstreamtest.Keys); n != 2 {
				t.Errorf("%d requests for keys, want 2", n)
			}
		})
	}
}

// jwks-refresh-dos: unknown key ids cost the provider at most one request in 45 seconds.
func TestUnknownKeyIDsDoNotHammerTheProvider(t *testing.T) {
	r := newRig(t)
	r.LogIn(t, r.provider, "alice")
	before := r.Requests(upstreamtest.Keys)
	r.EditIDToken(header("kid", "who-knows"))
	var kinds [2]upstream.Kind
	for second := range 60 {
		for range 5 {
			_, err := r.exchange(t)
			kinds[min(second, 1)] = upstream.KindOf(err)
		}
		r.clock.Advance(time.Second)
	}
	if n := r.Requests(upstreamtest.Keys) - before; n > 2 {
		t.Errorf("%d requests for keys in a minute", n)
	}
	// While the keys are older than the token they prove nothing.
	if kinds[1] != upstream.KindUnavailable {
		t.Errorf("kind %q", kinds[1])
	}
	r.EditIDToken(nil)
	r.LogIn(t, r.provider, "alice")
}

func TestRotationAfterAFlurryIsPickedUpWithinTheInterval(t *testing.T) {
	r := newRig(t)
	r.EditIDToken(header("kid", "who-knows"))
	_, err := r.exchange(t)
	wantKind(t, err, upstream.KindInvalidToken)
	r.EditIDToken(nil)
	r.clock.Advance(time.Second)
	r.RotateKey("ES256")
	_, err = r.exchange(t)
	wantKind(t, err, upstream.KindUnavailable)
	if got := retryAfter(err); got != 45*time.Second {
		t.Errorf("retry after %v", got)
	}
	r.clock.Advance(45 * time.Second)
	r.LogIn(t, r.provider, "alice")
}

func TestKeysThatDisappearAreForgottenInTime(t *testing.T) {
	r := newRig(t)
	login := r.LogIn(t, r.provider, "alice")
	r.RotateKey("ES256")
	r.DropOldKeys() // the old one is compromised
	r.clock.Advance(11 * time.Minute)
	_ = r.provider.Check(t.Context(), login.Tokens) // starts the load in the background
	eventually(t, func() bool { return r.Requests(upstreamtest.Keys) == 2 })
	eventually(t, func() bool {
		return upstream.KindOf(r.provider.Check(t.Context(), login.Tokens)) == upstream.KindNotHeld
	})
}

// eventually waits for a load in the background. It yields instead of sleeping.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !condition(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}
