package bench

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/inprocess"
	"github.com/gatehouse-auth/gatehouse/server/interceptor"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// openCore opens a whole core on a durable store, and connects to it the way of an edge in the process.
func openCore(b *testing.B, s store) gatehousev1.AuthServiceClient {
	b.Helper()
	core, _ := openCoreIn(b, s, b.TempDir())
	return core
}

// openCoreIn has the data directory chosen by its caller, who may also close the core before the benchmark ends.
func openCoreIn(b *testing.B, s store, data string) (core gatehousev1.AuthServiceClient, closeCore func()) {
	b.Helper()
	cfg, err := config.Load(config.Sources{Environ: []string{
		"MCP_SERVER_BASE_URL=https://mcp.example.com", "GATEHOUSE_DATA_DIR=" + data,
		"GATEHOUSE_STORE_URL=" + s.url,
		"GATEHOUSE_MAX_TRANSACTIONS=10000000", // all logins of the run happen within one lifetime
	}})
	if err != nil {
		b.Fatal(err)
	}
	opened, err := server.Open(b.Context(), server.Deps{
		Config: cfg, Provider: provider{}, Logger: slog.New(slog.DiscardHandler), Random: secret.NewSource(nil), Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	closeCore = sync.OnceFunc(func() {
		if err := opened.Close(); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(closeCore)
	channel := inprocess.NewChannel(opened.Chain(interceptor.InProcessGate(interceptor.NewTable())))
	opened.Register(channel)
	return gatehousev1.NewAuthServiceClient(channel), closeCore
}

// passThrough is a browser that comes straight back from provider.
func passThrough(_ context.Context, uri string) (url.Values, error) {
	u, err := url.Parse(uri)
	return url.Values{"state": {u.Query().Get("state")}, "code": {"upstream-code"}}, err
}
