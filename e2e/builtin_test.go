package e2e

import (
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

// TestBuiltIn holds "gatehouse dev", which brings its own identity provider, to all promises.
func TestBuiltIn(t *testing.T) {
	keepPromises(t, startBuiltIn(t))
}

// startBuiltIn runs "gatehouse dev". Its public URL is what it says in its own metadata.
func startBuiltIn(t *testing.T, extra ...map[string]string) *deployment {
	t.Helper()
	w := newWorkspace(t)
	httpAddr, grpcAddr, providerAddr := freeAddr(t), freeAddr(t), freeAddr(t)
	startGatehouse(t, w, process{
		name:  "dev",
		args:  []string{"dev"},
		ready: answersReadyz(httpAddr),
		env: merged(append([]map[string]string{{
			"GATEHOUSE_HTTP_ADDR":    httpAddr,
			"GATEHOUSE_GRPC_ADDR":    grpcAddr,
			"GATEHOUSE_DATA_DIR":     w.data,
			"GATEHOUSE_DEV_IDP_ADDR": providerAddr,
		}}, extra...)...),
	})
	d := &deployment{
		server:       oauthclient.Server{URL: "http://" + httpAddr, Secret: w.secrets.Add},
		grpcAddr:     grpcAddr,
		dataDir:      w.data,
		providerHost: providerAddr,
		alice:        person{username: "alice", password: "alice"},
		bob:          person{username: "bob", password: "bob"},
		secrets:      w.secrets,
		known:        w.known,
	}
	servers := d.document(t, "/.well-known/oauth-protected-resource/mcp").Texts("authorization_servers")
	if len(servers) != 1 {
		t.Fatalf("authorization_servers is %q", servers)
	}
	d.server.URL = servers[0]
	return d
}
