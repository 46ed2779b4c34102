package keyring

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// TestES256IsDeterministic signs the first message of RFC 6979 appendix A.2.5 with the key that stands there.
func TestES256IsDeterministic(t *testing.T) {
	const (
		private   = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
		message   = "sample"
		signature = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" +
			"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
	)
	raw, err := hex.DecodeString(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	signing, verification, err := decode(ES256, stored)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jws.NewSigner(jwa.ES256)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(message), signing)
	if got := hex.EncodeToString(signed); err != nil || got != signature {
		t.Errorf("signature %s, %v; want %s", got, err, signature)
	}
	verifier, err := jws.NewVerifier(jwa.ES256)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify([]byte(message), signed, verification); err != nil {
		t.Error(err)
	}
}
