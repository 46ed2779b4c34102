package e2e

import (
	"crypto/rand"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/keycloak"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

// keycloakPart is the variable that asks for this part.
const keycloakPart = "GATEHOUSE_E2E_KEYCLOAK"

// TestKeycloak holds one process with a real Keycloak behind it to all promises.
func TestKeycloak(t *testing.T) {
	keepPromises(t, startKeycloak(t))
}

// startKeycloak runs a real Keycloak and a gatehouse in front of it.
func startKeycloak(t *testing.T) *deployment {
	t.Helper()
	distribution := keycloak.NewDistribution(cacheDir(t))
	if !distribution.Installed() && !wanted(keycloakPart) {
		missing(t, keycloakPart, "no Keycloak "+keycloak.Version+" is installed",
			"install Java 17 and Maven, and set "+keycloakPart+"=1 to download 180 MB once")
	}
	if err := distribution.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	server, err := distribution.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)

	w := newWorkspace(t)
	httpAddr, grpcAddr := freeAddr(t), freeAddr(t)
	d := &deployment{
		server:   oauthclient.Server{URL: "http://" + httpAddr, Secret: w.secrets.Add},
		grpcAddr: grpcAddr,
		dataDir:  w.data,
		alice:    person{username: "alice", password: rand.Text()},
		bob:      person{username: "bob", password: rand.Text()},
		secrets:  w.secrets,
		known:    w.known,
	}
	created := keycloak.Realm{
		Name:         "gatehouse",
		ClientID:     "mcp_server",
		ClientSecret: rand.Text(),
		RedirectURI:  d.server.URL + "/auth/callback",
		Users: []keycloak.User{
			{Username: "alice", Password: d.alice.password, GivenName: "Alice", FamilyName: "Archer", Email: "alice@example.com"},
			{Username: "bob", Password: d.bob.password, GivenName: "Bob", FamilyName: "Baker", Email: "bob@example.com"},
		},
	}
	w.secrets.Add("provider client secret", created.ClientSecret)
	if err := server.CreateRealm(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	startGatehouse(t, w, process{
		name:  "serve",
		args:  []string{"serve"},
		ready: answersReadyz(httpAddr),
		env: map[string]string{
			"KEYCLOAK_BASE_URL":      server.BaseURL(),
			"KEYCLOAK_REALM":         created.Name,
			"KEYCLOAK_CLIENT_ID":     created.ClientID,
			"KEYCLOAK_CLIENT_SECRET": created.ClientSecret,
			"MCP_SERVER_BASE_URL":    d.server.URL,
			"GATEHOUSE_HTTP_ADDR":    httpAddr,
			"GATEHOUSE_GRPC_ADDR":    grpcAddr,
			"GATEHOUSE_DATA_DIR":     w.data,
		},
	})
	return d
}
