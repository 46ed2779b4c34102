package oauth_test

import (
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

func TestInferApplicationType(t *testing.T) {
	const (
		web      = "https://app.example/cb"
		loopback = "http://127.0.0.1/cb"
		cursor   = "cursor://anysphere.cursor-mcp/oauth/callback"
	)
	tests := []struct {
		name, declared string
		raw            []string
		want           string
	}{
		{"https alone is web", "", []string{web}, "web"},
		{"loopback is native", "", []string{web, loopback}, "native"},
		{"private use is native", "", []string{cursor}, "native"},
		{"web as declared", "web", []string{web}, "web"},
		{"native as declared, with https", "native", []string{web}, "native"},
		{"web as declared, with loopback and private use", "web", []string{cursor, loopback}, "web"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			uris, err := oauth.ParseRedirectURIs(tt.raw, oauth.DefaultPrivateUseSchemes())
			if err != nil {
				t.Fatal(err)
			}
			got, err := oauth.InferApplicationType(tt.declared, uris)
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
	for _, declared := range []string{"Web", "browser", " "} {
		_, err := oauth.InferApplicationType(declared, nil)
		wantError(t, err, oauth.InvalidClientMetadata)
	}
}
