package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/mcpclient"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/program"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/wire"
)

// TestSplit holds a core and an edge in two processes, joined by gRPC, to all promises.
func TestSplit(t *testing.T) {
	keepPromises(t, startSplit(t).deployment)
}

// TestSplitOutage: without its core the edge knows nothing, and says so. A client must not take that for a refusal of
// its token.
func TestSplitOutage(t *testing.T) {
	s := startSplit(t)
	token := s.connect(t, s.alice).access
	s.running.Kill()
	eventually(t, revocationDelay, "status 503", func() bool {
		reply, err := s.mcp(mcpclient.Stateless, token).Call(t.Context(), "tools/list", nil)
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status == http.StatusUnauthorized || reply.Status == http.StatusForbidden {
			t.Fatalf("an outage became a verdict: %s", reply)
		}
		return reply.Status == http.StatusServiceUnavailable && reply.Header.Get("Retry-After") != ""
	})
	s.running = startGatehouse(t, s.work, s.core)
	eventually(t, 2*revocationDelay, "the end of the outage", func() bool {
		return s.mcpStatus(t, token) == http.StatusOK
	})
}

// TestSplitLosesItsConnection: a connection that is lost without a word, as by a firewall or by a machine that died, is
// noticed by the edge, which makes another. Until then it knows nothing, and says so.
func TestSplitLosesItsConnection(t *testing.T) {
	s := startSplit(t)
	token := s.connect(t, s.alice).access
	s.wire.Cut()
	lost := false
	eventually(t, time.Minute, "another connection", func() bool {
		switch status := s.mcpStatus(t, token); status {
		case http.StatusOK:
			return lost
		case http.StatusServiceUnavailable:
			lost = true
		default:
			t.Fatalf("without an answer of the core: status %d", status)
		}
		return false
	})
}

// split is a core and an edge with a pretended Keycloak behind them.
type split struct {
	*deployment
	running *program.Process // the core
	core    process
	wire    *wire.Wire // from the edge to the core
	work    *workspace
}

// startSplit runs "serve core" and "serve edge". The edge has nothing but the address of the core and a file with the
// token that opens it.
func startSplit(t *testing.T) *split {
	t.Helper()
	w := newWorkspace(t)
	httpAddr, grpcAddr := freeAddr(t), freeAddr(t)
	d, environment := withRealm(t, w, "http://"+httpAddr)
	d.grpcAddr = grpcAddr
	s := &split{deployment: d, work: w, core: process{
		name:  "core",
		args:  []string{"serve", "core"},
		ready: servesHealth(grpcAddr),
		env: merged(environment, map[string]string{
			"GATEHOUSE_GRPC_ADDR": grpcAddr,
			"GATEHOUSE_DATA_DIR":  w.data,
		}),
	}}
	s.running = startGatehouse(t, w, s.core)
	var err error
	if s.wire, err = wire.Start(grpcAddr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.wire.Close() })
	startGatehouse(t, w, process{
		name:  "edge",
		args:  []string{"serve", "edge"},
		ready: answersReadyz(httpAddr),
		env: map[string]string{
			"MCP_SERVER_BASE_URL":        d.server.URL,
			"GATEHOUSE_HTTP_ADDR":        httpAddr,
			"GATEHOUSE_CORE_ADDR":        s.wire.Addr(),
			"GATEHOUSE_ADMIN_TOKEN_FILE": d.adminTokenFile(),
		},
	})
	return s
}
