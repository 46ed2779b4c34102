package oauth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

func TestParseScopes(t *testing.T) {
	tests := []struct {
		name, in string
		want     oauth.Scopes
	}{
		{"none", "", nil},
		{"spaces alone", "  ", nil},
		{"one", "mcp:read", oauth.Scopes{"mcp:read"}},
		{"order is kept", "b a", oauth.Scopes{"b", "a"}},
		{"duplicates collapse", "a b a", oauth.Scopes{"a", "b"}},
		{"case matters", "a A", oauth.Scopes{"a", "A"}},
		{"superfluous spaces", " a  b ", oauth.Scopes{"a", "b"}},
		{"every legal character at the edges", "!#[ ]~", oauth.Scopes{"!#[", "]~"}},
		{"a hundred", strings.Repeat("a ", 100), oauth.Scopes{"a"}},
		{"1024 bytes", strings.Repeat("a", 1024), oauth.Scopes{strings.Repeat("a", 1024)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := oauth.ParseScopes(tt.in)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestParseScopesRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"quote": `a"b`, "backslash": `a\b`, "newline": "a\nb", "tab": "a\tb", "NUL": "a\x00", "DEL": "a\x7f",
		"non-ASCII": "lesen\u00e9", "no-break space": "a\u00a0b",
		"101 values": strings.Repeat("a ", 101), "1025 bytes": strings.Repeat("a", 1025),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oauth.ParseScopes(in)
			wantError(t, err, oauth.InvalidScope)
		})
	}
}

func TestScopesAsSets(t *testing.T) {
	s := oauth.Scopes{"c", "a", "b"}
	if got := s.String(); got != "c a b" {
		t.Errorf("String: %q", got)
	}
	if !s.Contains("a") || s.Contains("A") || s.Contains("") {
		t.Error("Contains is wrong")
	}
	if !s.ContainsAll(oauth.Scopes{"b", "c"}) || !s.ContainsAll(nil) || s.ContainsAll(oauth.Scopes{"a", "d"}) {
		t.Error("ContainsAll is wrong")
	}
	if got := s.Intersect(oauth.Scopes{"b", "d", "c"}); !slices.Equal(got, oauth.Scopes{"c", "b"}) {
		t.Errorf("Intersect: %q", got)
	}
}

func FuzzScope(f *testing.F) {
	f.Add("openid profile", "profile")
	f.Add(" a  a\tb", `"`)
	f.Add("é !~", "")
	f.Fuzz(func(t *testing.T, in, other string) {
		scopes, err := oauth.ParseScopes(in)
		if err != nil {
			wantError(t, err, oauth.InvalidScope)
			return
		}
		if len(scopes) > 100 || len(scopes.String()) > len(in) {
			t.Fatalf("%q grew to %q", in, scopes)
		}
		again, err := oauth.ParseScopes(scopes.String())
		if err != nil || !slices.Equal(again, scopes) {
			t.Fatalf("%q parsed again is %q, %v", scopes, again, err)
		}
		for i, scope := range scopes {
			if scope == "" || strings.ContainsAny(scope, " \t\r\n\"\\") || slices.Index(scopes, scope) != i {
				t.Fatalf("%q has the scope %q", in, scope)
			}
		}
		others, err := oauth.ParseScopes(other)
		if err != nil {
			return
		}
		if both := scopes.Intersect(others); !scopes.ContainsAll(both) || !others.ContainsAll(both) {
			t.Fatalf("%q is not in both %q and %q", both, scopes, others)
		}
	})
}
