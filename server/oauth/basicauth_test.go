package oauth_test

import (
	"encoding/base64"
	"net/url"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

func TestParseBasic(t *testing.T) {
	tests := []struct{ name, header, id, secret string }{
		{"plain", basic("id:secret"), "id", "secret"},
		{"scheme in any case", "bAsIc aWQ6c2VjcmV0", "id", "secret"},
		{"several spaces", "Basic   aWQ6c2VjcmV0 ", "id", "secret"},
		{"URL-safe characters as they are", basic("ghc_a-B.c_9~:gh-s._~"), "ghc_a-B.c_9~", "gh-s._~"},
		{"form-encoded", basic("a%20b:c%3Ad%2B+e"), "a b", "c:d+ e"},
		{"identifier that is a URL", basic("https%3A%2F%2Fapp.example%2Fclient.json:"), "https://app.example/client.json", ""},
		{"empty secret of a public client", basic("id:"), "id", ""},
		{"colon in the secret", basic("id:a:b"), "id", "a:b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, secret, present, err := oauth.ParseBasic(tt.header)
			if err != nil || !present || id != tt.id || secret != tt.secret {
				t.Errorf("got %q, %q, %t, %v; want %q, %q", id, secret, present, err, tt.id, tt.secret)
			}
		})
	}
}

func TestParseBasicIsNotForOtherSchemes(t *testing.T) {
	for _, header := range []string{"", "Bearer abc", "Basically aWQ6c2VjcmV0", "DPoP x", "aWQ6c2VjcmV0", " "} {
		if id, secret, present, err := oauth.ParseBasic(header); id != "" || secret != "" || present || err != nil {
			t.Errorf("%q: got %q, %q, %t, %v", header, id, secret, present, err)
		}
	}
}

func TestParseBasicRefusesWhatIsMalformed(t *testing.T) {
	for name, header := range map[string]string{
		"no credentials":           "Basic",
		"blank credentials":        "Basic ",
		"not base64":               "Basic !!!",
		"no padding":               "Basic aWQ6c2VjcmV0cw",
		"trailing bits":            "Basic aWQ6eB==",
		"URL alphabet":             "Basic aWQ6_-8_",
		"two values":               "Basic aWQ6c2VjcmV0 aWQ6c2VjcmV0",
		"list of values":           "Basic aWQ6c2VjcmV0, Basic aWQ6c2VjcmV0",
		"line break":               "Basic aWQ6\nc2VjcmV0",
		"no colon":                 basic("id"),
		"no identifier":            basic(":secret"),
		"nothing but a colon":      basic(":"),
		"bad escape in identifier": basic("%zz:secret"),
		"bad escape in secret":     basic("id:%"),
		"NUL":                      basic("id\x00:secret"),
		"encoded NUL":              basic("id:%00"),
		"encoded newline":          basic("id%0A:secret"),
		"not ASCII":                basic("\u00efd:secret"),
		"not UTF-8":                basic("id:\xff"),
	} {
		t.Run(name, func(t *testing.T) {
			id, secret, present, err := oauth.ParseBasic(header)
			wantError(t, err, oauth.InvalidClient)
			if !present || id != "" || secret != "" {
				t.Errorf("got %q, %q, %t", id, secret, present)
			}
		})
	}
}

func FuzzBasicAuth(f *testing.F) {
	f.Add(basic("id:secret"), "id", "secret")
	f.Add("Basic !!", "https://app.example/client.json", "")
	f.Add("bearer x", "a b", "c:d%")
	f.Fuzz(func(t *testing.T, header, id, secret string) {
		gotID, gotSecret, present, err := oauth.ParseBasic(header)
		switch {
		case err != nil:
			wantError(t, err, oauth.InvalidClient)
			if !present || gotID != "" || gotSecret != "" {
				t.Fatalf("%q: %q, %q, %t with an error", header, gotID, gotSecret, present)
			}
		case present != (gotID != ""):
			t.Fatalf("%q: identifier %q, present %t", header, gotID, present)
		case !vschar(gotID) || !vschar(gotSecret):
			t.Fatalf("%q: %q, %q", header, gotID, gotSecret)
		}

		encoded := basic(url.QueryEscape(id) + ":" + url.QueryEscape(secret))
		gotID, gotSecret, _, err = oauth.ParseBasic(encoded)
		if legal := id != "" && vschar(id) && vschar(secret); legal != (err == nil) {
			t.Fatalf("%q, %q: %v", id, secret, err)
		} else if legal && (gotID != id || gotSecret != secret) {
			t.Fatalf("%q, %q came back as %q, %q", id, secret, gotID, gotSecret)
		}
	})
}

func vschar(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
