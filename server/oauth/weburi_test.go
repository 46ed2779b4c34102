package oauth_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

func TestValidateWebURI(t *testing.T) {
	tests := []struct {
		raw  string
		want bool
	}{
		{"", true},
		{"https://app.example", true},
		{"https://app.example/a/../b?x[]=1", false},
		{"https://app.example/a/../b?code=1&code=2", true},
		{"https://GitHub.com/Acme", true},
		{"HTTPS://app.example/", true},
		{"https://app.example/#/home", true},
		{"https://xn--bcher-kva.example/", true},
		{"http://localhost:3000/", true},
		{"http://127.0.0.1/", true},
		{"http://[::1]:1/", true},

		{"http://app.example/", false},
		{"http://localhost.evil.example/", false},
		{"http://10.0.0.1/", false},
		{"javascript:alert(1)", false},
		{"javascript://app.example/%0aalert(1)", false},
		{"data:image/svg+xml,<svg/>", false},
		{"cursor://x/y", false},
		{"com.example.app:/x", false},
		{"//app.example/", false},
		{"/logo.png", false},
		{"app.example", false},
		{"https:app.example", false},
		{"https:///app.example", false},
		{"https://a@app.example/", false},
		{`https://app.example\@evil.example/`, false},
		{"https://app.example/#\n", false},
		{"https://app.example/ x", false},
		{" https://app.example/", false},
		{`https://app.example/"onclick=`, false},
		{"https://app.example/#a#b", false},
		{"https://\u212Aiosk.example/", false},
		{"#", false},
		{"https://app.example/" + strings.Repeat("a", 2048), false},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			err := oauth.ValidateWebURI("client_uri", tt.raw)
			if tt.want {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := wantError(t, err, oauth.InvalidClientMetadata); !strings.HasPrefix(e.Description, "client_uri ") {
				t.Errorf("the description %q does not name the field", e.Description)
			}
		})
	}
}
