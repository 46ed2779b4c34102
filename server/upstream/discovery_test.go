package upstream

import (
	"context"
	"strings"
	"testing"
)

// disc-http-downgrade: the endpoints of an https issuer are https, also on its own host.
func TestEndpointsStayWithTheIssuer(t *testing.T) {
	for name, test := range map[string]struct {
		issuer, endpoint string
		want             bool
	}{
		"same host":             {"https://idp.example.com", "https://idp.example.com/token", true},
		"allowed host":          {"https://idp.example.com", "https://api.example.com/token", true},
		"allowed host and port": {"https://idp.example.com", "https://api.example.org:8443/token", true},
		"https below http":      {"http://127.0.0.1:8080", "https://127.0.0.1:8080/token", true},
		"http below https":      {"https://idp.example.com", "http://idp.example.com/token", false},
		"http on allowed host":  {"https://idp.example.com", "http://api.example.com/token", false},
		"other port":            {"https://idp.example.com", "https://idp.example.com:8443/token", false},
		"other allowed port":    {"https://idp.example.com", "https://api.example.com:8443/token", false},
		"subdomain":             {"https://idp.example.com", "https://evil.idp.example.com/token", false},
		"longer name":           {"https://idp.example.com", "https://idp.example.com.evil.example/token", false},
		"user that looks like":  {"https://idp.example.com", "https://idp.example.com@evil.example/token", false},
		"user on the host":      {"https://idp.example.com", "https://u:p@idp.example.com/token", false},
		"backslash":             {"https://idp.example.com", `https://evil.example\@idp.example.com/token`, false},
		"scheme relative":       {"https://idp.example.com", "//idp.example.com/token", false},
		"script":                {"https://idp.example.com", "javascript:alert(1)", false},
	} {
		d := &discovery{issuer: test.issuer, hosts: []string{"api.example.com", "api.example.org:8443"}}
		if err := d.checkEndpoint(test.endpoint); (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDiscoveryIsBelowTheIssuer(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://idp.example.com":             "https://idp.example.com/.well-known/openid-configuration",
		"https://idp.example.com/":            "https://idp.example.com/.well-known/openid-configuration",
		"https://idp.example.com/realms/main": "https://idp.example.com/realms/main/.well-known/openid-configuration",
	} {
		d := &discovery{issuer: issuer, fetch: func(_ context.Context, url string) ([]byte, error) {
			if url != want {
				t.Errorf("%s: asked %s", issuer, url)
			}
			return nil, newError(KindUnavailable, "down")
		}}
		if _, err := d.load(t.Context()); err == nil || strings.Contains(err.Error(), "garbage") {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}
