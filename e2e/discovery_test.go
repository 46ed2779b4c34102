package e2e

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/mcpclient"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

// answersHealthChecks: alive and ready, without a token and for whatever calls.
func answersHealthChecks(t *testing.T, d *deployment) {
	for _, path := range []string{"/healthz", "/readyz"} {
		answer, err := d.server.Get(t.Context(), path)
		if err != nil || answer.Status != http.StatusOK {
			t.Errorf("%s: %s, %v", path, answer, err)
		}
	}
}

// challengesWithoutToken: RFC 9728 section 5.1. Every method is challenged before anything else is said about it.
func challengesWithoutToken(t *testing.T, d *deployment) {
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodHead, http.MethodDelete} {
		req, err := http.NewRequestWithContext(t.Context(), method, d.resource(), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := oauthclient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		challenge := answer.Header.Get("WWW-Authenticate")
		metadata := `resource_metadata="` + d.server.URL + `/.well-known/oauth-protected-resource/mcp"`
		if answer.Status != http.StatusUnauthorized || !strings.HasPrefix(challenge, "Bearer ") ||
			!strings.Contains(challenge, metadata) {
			t.Errorf("%s: status %d, challenge %q", method, answer.Status, challenge)
		}
		if strings.Contains(challenge, "error=") {
			t.Errorf("%s: the challenge names an error, but no token was sent (RFC 6750 section 3.1)", method)
		}
	}
}

// publishesMetadata follows RFC 9728 and RFC 8414 as clients do.
func publishesMetadata(t *testing.T, d *deployment) {
	for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"} {
		resource := d.document(t, path)
		if resource.Text("resource") != d.resource() {
			t.Errorf("%s: resource is %q, want %q", path, resource.Text("resource"), d.resource())
		}
		if diff := cmp.Diff([]string{d.server.URL}, resource.Texts("authorization_servers")); diff != "" {
			t.Errorf("%s: authorization_servers (-want +got):\n%s", path, diff)
		}
	}
	for _, path := range []string{
		"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
		"/.well-known/oauth-authorization-server/mcp", "/.well-known/openid-configuration/mcp",
	} {
		server := d.document(t, path)
		for member, want := range map[string]string{
			"issuer":                 d.server.URL,
			"authorization_endpoint": d.server.URL + "/authorize",
			"token_endpoint":         d.server.URL + "/token",
			"registration_endpoint":  d.server.URL + "/register",
			"revocation_endpoint":    d.server.URL + "/revoke",
			"introspection_endpoint": d.server.URL + "/introspect",
			"jwks_uri":               d.server.URL + "/.well-known/jwks.json",
		} {
			if got := server.Text(member); got != want {
				t.Errorf("%s: %s is %q, want %q", path, member, got, want)
			}
		}
		for member, want := range map[string][]string{
			"code_challenge_methods_supported":              {"S256"},
			"response_types_supported":                      {"code"},
			"grant_types_supported":                         {"authorization_code", "refresh_token"},
			"token_endpoint_auth_methods_supported":         {"none", "client_secret_basic", "client_secret_post"},
			"revocation_endpoint_auth_methods_supported":    {"none", "client_secret_basic", "client_secret_post"},
			"introspection_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post"},
		} {
			if diff := cmp.Diff(want, server.Texts(member)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", path, member, diff)
			}
		}
	}
	if keys := d.document(t, "/.well-known/jwks.json"); !keys.Has("keys") || bytes.Contains(keys.Body, []byte(`"d"`)) {
		t.Error("the key set is missing or has a private key")
	}
	unknown, err := d.server.Get(t.Context(), "/.well-known/oauth-protected-resource/other")
	if err != nil || unknown.Status != http.StatusNotFound {
		t.Errorf("the metadata of an unknown resource: %s, %v; want 404", unknown, err)
	}
}

// ignoresHostInMetadata: every URL comes from configuration.
func ignoresHostInMetadata(t *testing.T, d *deployment) {
	const path = "/.well-known/oauth-authorization-server"
	honest := d.document(t, path)
	for _, header := range []string{"Host", "X-Forwarded-Host", "Forwarded"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch header {
		case "Host":
			req.Host = "attacker.example"
		case "Forwarded":
			req.Header.Set(header, "host=attacker.example;proto=https")
		default:
			req.Header.Set(header, "attacker.example")
		}
		answer, err := oauthclient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(answer.Body), "attacker.example") {
			t.Errorf("%s: the answer repeats it", header)
		}
		switch answer.Status {
		case http.StatusOK:
			if answer.Text("issuer") != honest.Text("issuer") {
				t.Errorf("%s: the issuer became %q", header, answer.Text("issuer"))
			}
		case http.StatusMisdirectedRequest:
		default:
			t.Errorf("%s: %s", header, answer)
		}
	}
}

func registersClients(t *testing.T, d *deployment) {
	first, second := d.register(t), d.register(t)
	if first.id == second.id {
		t.Error("two registrations gave the same id")
	}
	for name, uri := range map[string]string{
		"a script":           "javascript:alert(1)",
		"plain http":         "http://client.example/callback",
		"a fragment":         "https://client.example/callback#x",
		"a wildcard":         "https://*.client.example/callback",
		"user information":   "https://user@client.example/callback",
		"nothing to go to":   "",
		"a relative address": "/callback",
	} {
		answer, err := d.server.Register(t.Context(), nativeMetadata(uri))
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status != http.StatusBadRequest || answer.Text("error") != "invalid_redirect_uri" {
			t.Errorf("redirect URI with %s: %s", name, answer)
		}
	}
}

// document reads a JSON document that has to be there.
func (d *deployment) document(t *testing.T, path string) oauthclient.Answer {
	t.Helper()
	answer, err := d.server.Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
		t.Fatalf("%s: %s, Content-Type %q", path, answer, answer.Header.Get("Content-Type"))
	}
	return answer
}

// mcp returns an MCP client with a token.
func (d *deployment) mcp(version, token string) *mcpclient.Client {
	return &mcpclient.Client{Endpoint: d.resource(), Token: token, Version: version, Transport: d.server.Transport}
}
