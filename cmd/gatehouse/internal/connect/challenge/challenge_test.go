package challenge

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBearer(t *testing.T) {
	tests := map[string]struct {
		headers []string
		want    map[string]string
	}{
		"no header": {},
		"another scheme only": {
			headers: []string{`Basic realm="x"`},
		},
		"no parameters": {
			headers: []string{"Bearer"},
			want:    map[string]string{},
		},
		"quoted and bare values, names in any case": {
			headers: []string{`bearer Error=invalid_token, resource_metadata="https://h/.well-known/x", scope = "a b"`},
			want:    map[string]string{"error": "invalid_token", "resource_metadata": "https://h/.well-known/x", "scope": "a b"},
		},
		"quotes, commas and schemes inside a value": {
			headers: []string{`Bearer error_description="say \"hi\", Basic realm=x", scope="mcp"`},
			want:    map[string]string{"error_description": `say "hi", Basic realm=x`, "scope": "mcp"},
		},
		"the second challenge of one header": {
			headers: []string{`Basic realm="x", Bearer scope="mcp", DPoP algs="ES256"`},
			want:    map[string]string{"scope": "mcp"},
		},
		"the second header, after credentials that look like a parameter": {
			headers: []string{"Negotiate dG9rZW4=", `Bearer scope="mcp"`},
			want:    map[string]string{"scope": "mcp"},
		},
		"a string without an end": {
			headers: []string{`Bearer scope="mcp\`},
			want:    map[string]string{"scope": "mcp"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := Bearer(test.headers)
			if ok != (test.want != nil) {
				t.Fatalf("found is %v", ok)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzBearer(f *testing.F) {
	f.Add(`Bearer error="invalid_token", resource_metadata="https://h/x"`)
	f.Add(`Basic realm="x", Bearer scope=mcp`)
	f.Add(`Bearer a="\`)
	f.Add(`Negotiate abc==,,Bearer`)
	f.Fuzz(func(t *testing.T, header string) {
		params, ok := Bearer([]string{header})
		if !ok {
			return
		}
		for name, value := range params {
			if name == "" || len(name)+len(value) > len(header) {
				t.Errorf("%q: parameter %q=%q was not there", header, name, value)
			}
		}
	})
}
