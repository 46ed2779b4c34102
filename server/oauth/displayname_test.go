package oauth_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

func TestNormalizeName(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "Claude Code (acme)", "Claude Code (acme)"},
		{"markup stays text", "<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"},
		{"other scripts", "Клод 克劳德 कृष्णा", "Клод 克劳德 कृष्णा"},
		{"composes", "Cafe\u0301", "Caf\u00e9"},
		{"composes across what is dropped", "Cafe\u200d\u0301", "Caf\u00e9"},
		{"trims and collapses", "  Claude \t\r\n  Code\u00a0\u3000", "Claude Code"},
		{"line and paragraph separators", "a\u2028b\u2029c", "a b c"},
		{"blank Braille", "a\u2800\u2800b", "a b"},
		{"300 spaces", "Claude" + strings.Repeat(" ", 300) + "verified", "Claude verified"},
		{"right-to-left override", "Claude\u202eedoC", "ClaudeedoC"},
		{"isolates and marks", "\u2066a\u2069\u200e\u200f\u061cb", "ab"},
		{"zero width", "C\u200bl\u200ca\u200du\u2060d\ufeffe", "Claude"},
		{"soft hyphen", "Clau\u00adde", "Claude"},
		{"controls and escapes", "Cl\x00au\x1b[31mde\x7f\u0085", "Clau[31mde"},
		{"fillers", "a\u115f\u1160\u3164\uffa0b", "ab"},
		{"variation selectors and joiners", "a\ufe0f\U000e0100\u034fb", "ab"},
		{"tags", "a\U000e0041\U000e007fb", "ab"},
		{"private use and noncharacters", "a\ue000\uffff\U0010fffdb", "ab"},
		{"mark without a base", "\u0301Claude \u0301Code", "Claude Code"},
		{"tower of marks", "x" + strings.Repeat("\u0316", 40) + "y", "x" + strings.Repeat("\u0316", 4) + "y"},
		{"invisible alone", "\u200b\u202e \u2060", ""},
		{"64 runes", strings.Repeat("克", 64), strings.Repeat("克", 64)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := oauth.NormalizeName(tt.in)
			if err != nil || got != tt.want {
				t.Errorf("got %+q, %v; want %+q", got, err, tt.want)
			}
		})
	}
}

func TestNormalizeNameRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"65 runes":  strings.Repeat("a", 65),
		"260 bytes": strings.Repeat("\U0001f600\u0316\u0317\u0318", 26),
		"not UTF-8": "Claude\xff",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oauth.NormalizeName(in)
			wantError(t, err, oauth.InvalidClientMetadata)
		})
	}
}

func FuzzDisplayName(f *testing.F) {
	f.Add("Claude\u202eedoC \u200b e\u0301\u0316")
	f.Add(strings.Repeat("\u0301", 40) + "a")
	f.Add("\u1100\u200d\u1161\u0958\u0344")
	f.Add("\xff<script>")
	f.Fuzz(func(t *testing.T, in string) {
		name, err := oauth.NormalizeName(in)
		if err != nil {
			wantError(t, err, oauth.InvalidClientMetadata)
			return
		}
		if again, err := oauth.NormalizeName(name); err != nil || again != name {
			t.Fatalf("%+q normalised again is %+q, %v", name, again, err)
		}
		if len(name) > 256 || utf8.RuneCountInString(name) > 64 || !utf8.ValidString(name) || !norm.NFC.IsNormalString(name) {
			t.Fatalf("%+q is out of bounds or not normal", name)
		}
		if strings.TrimSpace(name) != name || strings.Contains(name, "  ") {
			t.Fatalf("%+q has superfluous spaces", name)
		}
		for _, r := range name {
			if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Bidi_Control, unicode.Join_Control) {
				t.Fatalf("%+q has %+q", name, r)
			}
		}
	})
}
