package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var (
	keyA  = NewKey([KeySize]byte(bytes.Repeat([]byte{1}, KeySize)))
	keyB  = NewKey([KeySize]byte(bytes.Repeat([]byte{2}, KeySize)))
	place = Place{Table: "credentials", Column: "sealed", Row: "row-1"}
)

func newSealer(t *testing.T, keys ...Key) *Sealer {
	t.Helper()
	s, err := New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeyIsNotPrinted(t *testing.T) {
	if got := fmt.Sprintf("%v %x", keyA, []Key{keyA}); got != "[redacted] [[redacted]]" {
		t.Error(got)
	}
}

func TestOpenReturnsWhatWasSealed(t *testing.T) {
	s := newSealer(t, keyA)
	for _, plaintext := range []string{"", "x", "a provider's refresh token"} {
		sealed := s.Seal([]byte(plaintext), place)
		if len(plaintext) > 8 && bytes.Contains(sealed, []byte(plaintext)) {
			t.Error("sealed value holds the plaintext")
		}
		got, err := s.Open(sealed, place)
		if err != nil || string(got) != plaintext {
			t.Errorf("Open = %q, %v; want %q", got, err, plaintext)
		}
	}
}

func TestSealedValueCannotMove(t *testing.T) {
	s := newSealer(t, keyA)
	sealed := s.Seal([]byte("token"), place)
	for name, other := range map[string]Place{
		"row":           {place.Table, place.Column, "row-2"},
		"column":        {place.Table, "other", place.Row},
		"table":         {"users", place.Column, place.Row},
		"shifted parts": {place.Table + place.Column, "", place.Row},
	} {
		if _, err := s.Open(sealed, other); !errors.Is(err, ErrTampered) {
			t.Errorf("%s: err = %v, want ErrTampered", name, err)
		}
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	s := newSealer(t, keyA)
	sealed := s.Seal([]byte("token"), place)
	for i := range sealed {
		for bit := range 8 {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1 << bit
			if _, err := s.Open(bad, place); err == nil {
				t.Fatalf("byte %d bit %d: opened", i, bit)
			}
		}
	}
	for n := range sealed {
		if _, err := s.Open(sealed[:n], place); err == nil {
			t.Fatalf("opened a value cut to %d bytes", n)
		}
	}
}

func TestOldKeyOpensAfterRotation(t *testing.T) {
	sealed := newSealer(t, keyA).Seal([]byte("token"), place)
	if got, err := newSealer(t, keyB, keyA).Open(sealed, place); err != nil || string(got) != "token" {
		t.Errorf("with the old key second: %q, %v", got, err)
	}
	if _, err := newSealer(t, keyB).Open(sealed, place); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("without the old key: %v, want ErrUnknownKey", err)
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealing.key")
	if _, err := LoadOrCreateKeys(path, false); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("missing file: %v", err)
	}
	created, err := LoadOrCreateKeys(path, true)
	if err != nil || len(created) != 1 {
		t.Fatal(err)
	}
	again, err := LoadOrCreateKeys(path, true)
	if err != nil || again[0].bytes != created[0].bytes {
		t.Fatalf("second start made another key: %v", err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	newer := base64.StdEncoding.EncodeToString(keyB.bytes[:])
	if err := os.WriteFile(path, []byte(newer+"\n"+string(old)), 0o600); err != nil {
		t.Fatal(err)
	}
	if both, err := LoadOrCreateKeys(path, false); err != nil || len(both) != 2 || both[0].bytes != keyB.bytes || both[1].bytes != created[0].bytes {
		t.Errorf("two keys: %d, %v", len(both), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateKeys(path, true); err == nil {
		t.Error("a file that others may read was accepted")
	}
	for _, damaged := range []string{"short", "", newer + "\nshort"} {
		if err := errors.Join(os.WriteFile(path, []byte(damaged), 0o600), os.Chmod(path, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadOrCreateKeys(path, true); err == nil {
			t.Errorf("%q was accepted or replaced", damaged)
		}
	}
}
