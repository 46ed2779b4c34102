package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/mcpclient"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

// What the request file of the public demo of an OAuth proxy for Keycloak sends. People try it first, so it has to work
// request by request as it is: with two names for one host, without scope and resource, with an http client_uri, and
// with an audience that nobody asked for.
const (
	demoVersion     = "2024-11-05"
	demoRedirectURI = "http://localhost:9000/oauth/callback"
	demoState       = "random-state-string-abc123"
)

// TestDemoRequests sends the demo's requests in their order to a server that is configured as the demo's is.
func TestDemoRequests(t *testing.T) {
	w := newWorkspace(t)
	httpAddr := freeAddr(t)
	localhost := "http://" + strings.Replace(httpAddr, "127.0.0.1", "localhost", 1)
	d, environment := withRealm(t, w, localhost)
	startGatehouse(t, w, process{
		name:  "serve",
		args:  []string{"serve"},
		ready: answersReadyz(httpAddr),
		env: merged(environment, map[string]string{
			"GATEHOUSE_HTTP_ADDR": httpAddr,
			"GATEHOUSE_GRPC_ADDR": freeAddr(t),
			"GATEHOUSE_DATA_DIR":  w.data,
		}),
	})
	// The demo registers and redeems at 127.0.0.1, and does the rest at localhost.
	byAddress := oauthclient.Server{URL: "http://" + httpAddr, Secret: w.secrets.Add}

	mcp := d.mcp(demoVersion, "")
	reply, err := mcp.Initialize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if reply.Status != http.StatusUnauthorized || !strings.Contains(reply.Header.Get("WWW-Authenticate"), "resource_metadata=") {
		t.Fatalf("step 1, initialize without a token: %s", reply)
	}
	if got := d.document(t, "/.well-known/oauth-protected-resource/mcp").Text("resource"); got != localhost+"/mcp" {
		t.Fatalf("step 2, resource metadata: resource is %q", got)
	}

	registration, err := byAddress.Register(t.Context(), map[string]any{
		"client_name":                "mcp_client_rest",
		"client_uri":                 demoRedirectURI,
		"redirect_uris":              []string{demoRedirectURI},
		"grant_types":                []string{"authorization_code", "refresh_token"},
		"response_types":             []string{"code"},
		"token_endpoint_auth_method": "none",
		"application_type":           "native",
	})
	if err != nil {
		t.Fatal(err)
	}
	if registration.Status != http.StatusCreated || registration.Has("client_secret") ||
		registration.Text("client_uri") != demoRedirectURI {
		t.Fatalf("step 3, registration: %s", registration)
	}

	attempt := d.server.NewAttempt(registration.Text("client_id"), demoRedirectURI)
	attempt.State = demoState
	code := d.walk(t, d.newBrowser(t, demoRedirectURI), attempt, d.alice)

	form := attempt.ExchangeForm(code)
	form["audience"] = []string{"mcp_server"}
	tokens, err := byAddress.Token(t.Context(), form, nil)
	if err != nil {
		t.Fatal(err)
	}
	if tokens.Status != http.StatusOK || tokens.Text("refresh_token") == "" || tokens.Number("expires_in") != 3600 {
		t.Fatalf("step 5, token: %s", tokens)
	}

	mcp = d.mcp(demoVersion, tokens.Text("access_token"))
	if reply, err = mcp.Initialize(t.Context()); err != nil || reply.Status != http.StatusOK || mcp.Session == "" {
		t.Fatalf("step 7, initialize: %s, session %q, %v", reply, mcp.Session, err)
	}
	demoTools(t, mcp)
}

// demoTools lists the tools and calls one, with the session id of the handshake.
func demoTools(t *testing.T, mcp *mcpclient.Client) {
	t.Helper()
	reply, err := mcp.Call(t.Context(), "tools/list", nil)
	if err != nil || reply.Status != http.StatusOK || !strings.Contains(string(reply.Result), sampleTool) {
		t.Errorf("step 8, tools/list: %s, %v", reply, err)
	}
	reply, err = mcp.Call(t.Context(), "tools/call", map[string]any{
		"name": sampleTool, "arguments": map[string]any{"name": "Vikrant"},
	})
	if err != nil || reply.Status != http.StatusOK || !strings.Contains(string(reply.Result), "Hello! Vikrant") {
		t.Errorf("the last step, tools/call: %s, %v", reply, err)
	}
}
