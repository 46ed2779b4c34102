package upstream

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"testing"
)

// jwt-ecdsa-edge: keys that verify too much, or cost too much, are no keys.
func TestUnsoundKeysAreRefused(t *testing.T) {
	modulus := func(bits uint) *big.Int { return new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1) }
	ec := func(x, y *big.Int) *ecdsa.PublicKey {
		return &ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y} //nolint:staticcheck // SA1019: only so can it be wrong
	}
	generator := elliptic.P256().Params()
	for name, test := range map[string]struct {
		key  any
		want bool
	}{
		"RSA 2048":           {&rsa.PublicKey{N: modulus(2048), E: 65537}, true},
		"RSA 8192":           {&rsa.PublicKey{N: modulus(8192), E: 3}, true},
		"RSA 1024":           {&rsa.PublicKey{N: modulus(1024), E: 65537}, false},
		"RSA 2047":           {&rsa.PublicKey{N: modulus(2047), E: 65537}, false},
		"RSA 16384":          {&rsa.PublicKey{N: modulus(16384), E: 65537}, false},
		"RSA with e=1":       {&rsa.PublicKey{N: modulus(2048), E: 1}, false},
		"RSA with e=0":       {&rsa.PublicKey{N: modulus(2048), E: 0}, false},
		"RSA with an even e": {&rsa.PublicKey{N: modulus(2048), E: 65536}, false},
		"P-256":              {ec(generator.Gx, generator.Gy), true},
		"P-256 off curve":    {ec(big.NewInt(1), big.NewInt(1)), false},
		"P-256 at infinity":  {ec(new(big.Int), new(big.Int)), false},
		"Ed25519":            {ed25519.PublicKey(make([]byte, 32)), true},
		"Ed25519 cut short":  {ed25519.PublicKey(make([]byte, 31)), false},
		"bytes":              {[]byte("secret"), false},
		"nothing":            {nil, false},
	} {
		if _, err := soundKey(test.key); (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
