package e2e

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/keycloak"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

const (
	// keycloakPart is the variable that asks for this part.
	keycloakPart  = "GATEHOUSE_E2E_KEYCLOAK"
	keycloakRealm = "gatehouse"
)

// TestKeycloak holds one process with a real Keycloak behind it to all promises.
func TestKeycloak(t *testing.T) {
	server := startKeycloak(t)
	s := prepareForKeycloak(t, "mcp_server", nil)
	createRealm(t, server, 0, s)
	s.start(t)
	keepPromises(t, s.deployment)
}

// startKeycloak runs a real Keycloak until the end of the test.
func startKeycloak(t *testing.T) *keycloak.Server {
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
	t.Cleanup(server.Close)
	return server
}

// prepareForKeycloak describes a gatehouse that is to run before one client of a Keycloak.
func prepareForKeycloak(t *testing.T, clientID string, extra map[string]string) *served {
	t.Helper()
	w := newWorkspace(t)
	httpAddr, grpcAddr, secret := freeAddr(t), freeAddr(t), rand.Text()
	w.secrets.Add("provider client secret", secret)
	d := &deployment{
		server:   oauthclient.Server{URL: "http://" + httpAddr, Secret: w.secrets.Add},
		grpcAddr: grpcAddr,
		dataDir:  w.data,
		secrets:  w.secrets,
		known:    w.known,
	}
	return &served{deployment: d, work: w, process: process{
		name:  "serve",
		args:  []string{"serve"},
		ready: answersReadyz(httpAddr),
		env: merged(map[string]string{
			"KEYCLOAK_REALM":         keycloakRealm,
			"KEYCLOAK_CLIENT_ID":     clientID,
			"KEYCLOAK_CLIENT_SECRET": secret,
			"MCP_SERVER_BASE_URL":    d.server.URL,
			"GATEHOUSE_HTTP_ADDR":    httpAddr,
			"GATEHOUSE_GRPC_ADDR":    grpcAddr,
			"GATEHOUSE_DATA_DIR":     w.data,
		}, extra),
	}}
}

// createRealm creates the realm for deployments that were prepared, with a life of its access tokens, or that which
// Keycloak takes for 0.
func createRealm(t *testing.T, server *keycloak.Server, accessLife time.Duration, deployments ...*served) {
	t.Helper()
	alice, bob := person{username: "alice", password: rand.Text()}, person{username: "bob", password: rand.Text()}
	realm := keycloak.Realm{
		Name:       keycloakRealm,
		AccessLife: accessLife,
		Users: []keycloak.User{
			{Username: "alice", Password: alice.password, GivenName: "Alice", FamilyName: "Archer", Email: "alice@example.com"},
			{Username: "bob", Password: bob.password, GivenName: "Bob", FamilyName: "Baker", Email: "bob@example.com"},
		},
	}
	for _, s := range deployments {
		s.alice, s.bob = alice, bob
		s.providerHost = hostOf(t, server.BaseURL())
		s.process.env["KEYCLOAK_BASE_URL"] = server.BaseURL()
		realm.Clients = append(realm.Clients, keycloak.Client{
			ID:          s.process.env["KEYCLOAK_CLIENT_ID"],
			Secret:      s.process.env["KEYCLOAK_CLIENT_SECRET"],
			RedirectURI: s.server.URL + "/auth/callback",
			LogoutURL:   s.logoutURL,
		})
	}
	if err := server.CreateRealm(t.Context(), realm); err != nil {
		t.Fatal(err)
	}
}
