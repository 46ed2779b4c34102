package token

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

const grantID = "0f8fad5b-d9cb-469f-a165-70867728950e"

// macs is a ring of refresh keys, the last of which makes tokens.
type macs []keyring.Key

func (m macs) All() []keyring.Key   { return m }
func (m macs) Current() keyring.Key { return m[len(m)-1] }
func (m macs) Lookup(id string) (keyring.Key, bool) {
	for _, key := range m {
		if key.ID == id {
			return key, true
		}
	}
	return keyring.Key{}, false
}

func mac(id string) keyring.Key {
	return keyring.Key{ID: id, Algorithm: keyring.RefreshMAC, Verification: []byte("the key named " + id)}
}

func makeToken(t testing.TB, factory *RefreshTokens, generation int64) secret.Text {
	t.Helper()
	text, err := factory.Make(RefreshID{GrantID: grantID, Generation: generation})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRefreshTokenTellsItsGrantAndGeneration(t *testing.T) {
	factory := NewRefreshTokens(macs{mac("a")})
	for _, generation := range []int64{1, 2, 1 << 31} {
		text := makeToken(t, factory, generation)
		if !strings.HasPrefix(text.Reveal(), "ghr_") {
			t.Error("no prefix for secret scanners")
		}
		id, ok := factory.Parse(text)
		if !ok || id != (RefreshID{GrantID: grantID, Generation: generation}) {
			t.Errorf("id = %+v, %t", id, ok)
		}
	}
}

func TestTheSameGenerationIsTheSameToken(t *testing.T) {
	factory := NewRefreshTokens(macs{mac("a")})
	if !makeToken(t, factory, 2).Equal(makeToken(t, factory, 2)) || makeToken(t, factory, 2).Equal(makeToken(t, factory, 3)) {
		t.Error("a lost answer cannot be repeated")
	}
}

func TestOtherSpellingsAreNoTokens(t *testing.T) {
	factory := NewRefreshTokens(macs{mac("a")})
	good := makeToken(t, factory, 1).Reveal()
	var spellings []string
	for i := range good {
		spellings = append(spellings, good[:i], good[:i]+flip(good[i])+good[i+1:])
	}
	spellings = append(spellings, good+"A", good+"=", good+"\n", " "+good, good[:20]+"\n"+good[20:],
		makeToken(t, NewRefreshTokens(macs{mac("b")}), 1).Reveal())
	for _, spelling := range spellings {
		if id, ok := factory.Parse(secret.NewText(spelling)); ok {
			t.Errorf("%q is %+v", spelling, id)
		}
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestTokensOutliveARotationOfTheKey(t *testing.T) {
	old := NewRefreshTokens(macs{mac("a")})
	rotated := NewRefreshTokens(macs{mac("a"), mac("b")})
	text := makeToken(t, old, 1)
	if _, ok := rotated.Parse(text); !ok {
		t.Error("everybody is logged out")
	}
	successor := makeToken(t, old, 2)
	again, err := rotated.Remake(RefreshID{GrantID: grantID, Generation: 2}, successor.Hash())
	if err != nil || !again.Equal(successor) {
		t.Errorf("the repeated answer differs: %v", err)
	}
	if _, err := rotated.Remake(RefreshID{GrantID: grantID, Generation: 2}, text.Hash()); err == nil {
		t.Error("made a token with another hash")
	}
}

func TestAGrantThatIsNoUUIDMakesNoToken(t *testing.T) {
	factory := NewRefreshTokens(macs{mac("a")})
	for _, id := range []RefreshID{{"x", 1}, {"", 1}, {grantID, 0}, {grantID, -1}, {grantID, 1<<31 + 1}} {
		if _, err := factory.Make(id); err == nil {
			t.Errorf("%+v made a token", id)
		}
	}
}

func FuzzRefreshToken(f *testing.F) {
	factory := NewRefreshTokens(macs{mac("a")})
	good := makeToken(f, factory, 1).Reveal()
	f.Add(good)
	f.Add("ghr_")
	f.Fuzz(func(t *testing.T, text string) {
		if _, ok := factory.Parse(secret.NewText(text)); ok && text != good {
			t.Errorf("accepted %q", text)
		}
	})
}
