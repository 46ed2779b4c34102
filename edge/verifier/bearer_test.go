package verifier

import (
	"errors"
	"strings"
	"testing"
)

// Covers verify-authz-header.
func TestOnlyOneWellFormedAuthorizationHeaderIsAToken(t *testing.T) {
	tests := map[string]struct {
		header []string
		token  string
		fails  string
	}{
		"none":                  {nil, "", "no credentials"},
		"plain":                 {[]string{"Bearer abc.DEF-1_2~3+4/5=="}, "abc.DEF-1_2~3+4/5==", ""},
		"lower case":            {[]string{"bearer abc"}, "abc", ""},
		"mixed case":            {[]string{"bEaReR abc"}, "abc", ""},
		"several spaces":        {[]string{"Bearer   abc"}, "abc", ""},
		"two headers":           {[]string{"Bearer abc", "Bearer abc"}, "", "repeated"},
		"two, one empty":        {[]string{"", "Bearer abc"}, "", "repeated"},
		"joined by a proxy":     {[]string{"Bearer abc, Bearer def"}, "", "inactive"},
		"empty header":          {[]string{""}, "", "no credentials"},
		"another scheme":        {[]string{"Basic dXNlcjpwYXNz"}, "", "no credentials"},
		"scheme with a suffix":  {[]string{"Bearerabc"}, "", "no credentials"},
		"scheme after a space":  {[]string{" Bearer abc"}, "", "no credentials"},
		"scheme only":           {[]string{"Bearer"}, "", "inactive"},
		"scheme and a space":    {[]string{"Bearer "}, "", "inactive"},
		"tab":                   {[]string{"Bearer\tabc"}, "", "no credentials"},
		"tab before the token":  {[]string{"Bearer \tabc"}, "", "inactive"},
		"space in the token":    {[]string{"Bearer abc def"}, "", "inactive"},
		"comma":                 {[]string{"Bearer abc,def"}, "", "inactive"},
		"quoted":                {[]string{`Bearer "abc"`}, "", "inactive"},
		"equals in the middle":  {[]string{"Bearer ab=c"}, "", "inactive"},
		"nothing but equals":    {[]string{"Bearer =="}, "", "inactive"},
		"not ASCII":             {[]string{"Bearer abć"}, "", "inactive"},
		"NUL":                   {[]string{"Bearer ab\x00c"}, "", "inactive"},
		"as long as is allowed": {[]string{"Bearer " + strings.Repeat("a", MaxTokenBytes)}, strings.Repeat("a", MaxTokenBytes), ""},
		"longer":                {[]string{"Bearer " + strings.Repeat("a", MaxTokenBytes+1)}, "", "inactive"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			token, err := bearerToken(tt.header)
			if token != tt.token || failure(err) != tt.fails {
				t.Errorf("got %q, %v; want %q, %s", token, err, tt.token, tt.fails)
			}
		})
	}
}

func failure(err error) string {
	_, inactive := errors.AsType[*Inactive](err)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrNoCredentials):
		return "no credentials"
	case errors.Is(err, ErrRepeatedCredentials):
		return "repeated"
	case inactive:
		return "inactive"
	default:
		return err.Error()
	}
}

func FuzzBearerHeader(f *testing.F) {
	for _, seed := range []string{"", "Bearer abc", "bearer  abc=", "Bearer a,b", "Basic x", "Bearer \t", "BEARER ====", "Bearer a\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, err := bearerToken([]string{header})
		if err != nil {
			if token != "" {
				t.Fatalf("%q gave the token %q beside an error", header, token)
			}
			return
		}
		if token == "" || len(token) > MaxTokenBytes || strings.ContainsAny(token, " \t\r\n\",;\\") {
			t.Fatalf("%q gave the token %q", header, token)
		}
		if again, err := bearerToken([]string{"Bearer " + token}); err != nil || again != token {
			t.Fatalf("%q does not survive a round trip: %q, %v", token, again, err)
		}
	})
}

func FuzzQuotedChallenge(f *testing.F) {
	f.Add("https://mcp.example.com/\r\nSet-Cookie: a=b")
	f.Add(`a"b\c`)
	f.Add("ć\x00\x7f")
	f.Fuzz(func(t *testing.T, value string) {
		quoted := quote(value)
		inner := strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`)
		inner = strings.NewReplacer(`\\`, "", `\"`, "").Replace(inner)
		if len(quoted) < 2 || strings.ContainsAny(inner, "\"\r\n\x00") {
			t.Fatalf("%q became %q", value, quoted)
		}
	})
}
