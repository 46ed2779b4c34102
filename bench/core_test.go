package bench

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/inprocess"
	"github.com/gatehouse-auth/gatehouse/server/interceptor"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

const (
	host        = "mcp.example.com"
	issuer      = "https://" + host
	resource    = issuer + "/mcp"
	redirectURI = "https://client.example.org/callback"
	pkce        = "a-verifier-of-at-least-forty-three-characters-x"
)

// core is a whole core on a durable store, with the way in that the edge in the same process has.
type core struct {
	*server.Core
	channel *inprocess.Channel
	client  client
}

func openCore(b *testing.B) *core {
	b.Helper()
	cfg, err := config.Load(config.Sources{Environ: []string{
		"MCP_SERVER_BASE_URL=" + issuer, "GATEHOUSE_DATA_DIR=" + b.TempDir(), "GATEHOUSE_CODE_TTL=10m",
	}})
	if err != nil {
		b.Fatal(err)
	}
	opened, err := server.Open(b.Context(), server.Deps{
		Config: cfg, Provider: provider{}, Logger: logger(b), Random: secret.NewSource(nil), Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = opened.Close() })
	chain := opened.Chain(interceptor.InProcessGate(interceptor.NewTable()))
	channel := inprocess.NewChannel(chain.Unary)
	opened.Register(channel)
	return &core{Core: opened, channel: channel, client: register(b, gatehousev1.NewAuthServiceClient(channel))}
}

// logger writes JSON lines to a file, as a server in production does, and the file forgets them.
func logger(b *testing.B) *slog.Logger {
	b.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = null.Close() })
	return slog.New(slog.NewJSONHandler(null, nil))
}

// login walks the whole flow and returns an access token.
func (c *core) login(b *testing.B) string {
	b.Helper()
	code, err := c.client.authorize(b.Context(), passThrough)
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := c.client.exchange(b.Context(), code)
	if err != nil {
		b.Fatal(err)
	}
	return tokens.GetAccessToken()
}

// passThrough is a browser that comes straight back from provider.
func passThrough(_ context.Context, uri string) (url.Values, error) {
	u, err := url.Parse(uri)
	return url.Values{"state": {u.Query().Get("state")}, "code": {"upstream-code"}}, err
}

// challenge is the PKCE challenge of every authorization here.
func challenge() string { return string(oauth.ChallengeOf(pkce)) }
