package e2e

import (
	"crypto/rand"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/realm"
)

// withRealm starts a pretended Keycloak realm for a gatehouse at a public URL, with changes to its settings. It returns
// the deployment without its gRPC address, and the five variables that connect the two.
func withRealm(t *testing.T, w *workspace, publicURL string, changes ...func(*realm.Config)) (*deployment, map[string]string) {
	t.Helper()
	d := &deployment{
		server:  oauthclient.Server{URL: publicURL, Secret: w.secrets.Add},
		dataDir: w.data,
		alice:   person{username: "alice", password: rand.Text()},
		bob:     person{username: "bob", password: rand.Text()},
		secrets: w.secrets,
		known:   w.known,
	}
	config := realm.Config{
		ClientID:     "mcp_server",
		ClientSecret: rand.Text(),
		RedirectURI:  publicURL + "/auth/callback",
		Secret:       w.secrets.Add,
		Users: []realm.User{
			{Subject: "6f1c", Username: "alice", Password: d.alice.password, GivenName: "Alice", FamilyName: "Archer", Email: "alice@example.com"},
			{Subject: "9a2e", Username: "bob", Password: d.bob.password, GivenName: "Bob", FamilyName: "Baker", Email: "bob@example.com"},
		},
	}
	for _, change := range changes {
		change(&config)
	}
	w.secrets.Add("provider client secret", config.ClientSecret)
	provider, err := realm.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	d.providerHost = hostOf(t, provider.BaseURL())
	d.provider = provider
	return d, map[string]string{
		"KEYCLOAK_BASE_URL":      provider.BaseURL(),
		"KEYCLOAK_REALM":         realm.Name,
		"KEYCLOAK_CLIENT_ID":     config.ClientID,
		"KEYCLOAK_CLIENT_SECRET": config.ClientSecret,
		"MCP_SERVER_BASE_URL":    publicURL,
	}
}
