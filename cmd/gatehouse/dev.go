package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/node"
	"github.com/gatehouse-auth/gatehouse/edge/page/clients"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/devidp"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// devPresets make the log readable and pages say what this is.
func devPresets() map[string]string {
	return map[string]string{
		"GATEHOUSE_SERVER_NAME":   "Gatehouse dev",
		"GATEHOUSE_UPSTREAM_NAME": "the built-in login",
		"GATEHOUSE_LOG_FORMAT":    "text",
	}
}

func runDev(ctx context.Context, term terminal, args []string) error {
	cfg, rest, err := loadConfig("dev", term, args, devPresets())
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: unexpected argument %q", errUsage, rest[0])
	}
	if !config.IsLoopback(cfg.HTTPAddr) {
		return fmt.Errorf("GATEHOUSE_HTTP_ADDR: the built-in provider accepts anybody, so dev stays on this machine, and %s is not on loopback",
			cfg.HTTPAddr)
	}
	tuneCollector()
	return runLocal(ctx, cfg, newLogger(cfg, term.Err), func() { welcome(term.Out, cfg) })
}

// runLocal runs a node with the built-in identity provider beside it.
func runLocal(ctx context.Context, cfg *config.Config, logger *slog.Logger, listening func()) error {
	idp, err := startProvider(ctx, cfg)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(idp.serve)
	group.Go(func() error {
		defer idp.close()
		return node.Run(ctx, node.Options{
			Config:    cfg,
			Logger:    logger,
			Version:   version,
			Core:      true,
			Edge:      true,
			Provider:  idp.provider(cfg, logger),
			Listening: listening,
		})
	})
	return group.Wait()
}

// localProvider is the built-in identity provider on its own listener.
type localProvider struct {
	issuer   string
	secret   secret.Text
	listener net.Listener
	server   *http.Server
}

// devClientID is the client that the server has at the built-in provider.
const devClientID = "gatehouse-dev"

func startProvider(ctx context.Context, cfg *config.Config) (*localProvider, error) {
	if !config.IsLoopback(cfg.DevIDPAddr) {
		return nil, fmt.Errorf("GATEHOUSE_DEV_IDP_ADDR: the built-in provider accepts anybody, so it listens on loopback only")
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", cfg.DevIDPAddr)
	if err != nil {
		return nil, fmt.Errorf("GATEHOUSE_DEV_IDP_ADDR: %w", err)
	}
	idp := &localProvider{
		issuer:   "http://" + listener.Addr().String(),
		secret:   secret.NewSource(nil).Text(""),
		listener: listener,
	}
	handler, err := devidp.New(devidp.Config{
		Issuer:       idp.issuer,
		ClientID:     devClientID,
		ClientSecret: idp.secret,
		RedirectURI:  cfg.CallbackURL(),
		Users:        devidp.DefaultUsers(),
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	idp.server = &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	return idp, nil
}

func (p *localProvider) provider(cfg *config.Config, logger *slog.Logger) upstream.Provider {
	oidc, err := upstream.NewOIDC(upstream.OIDCConfig{
		Name:         "dev",
		DisplayName:  cfg.ProviderName,
		Issuer:       p.issuer,
		ClientID:     devClientID,
		ClientSecret: p.secret,
		RedirectURL:  cfg.CallbackURL(),
		Scopes:       cfg.LoginScopes,
		AuthStyle:    upstream.AuthBasic,
		Now:          time.Now,
		Logger:       logger,
	})
	if err != nil {
		panic("gatehouse dev: " + err.Error()) // the values above are constants
	}
	return oidc
}

func (p *localProvider) serve() error {
	if err := p.server.Serve(p.listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func (p *localProvider) close() { _ = p.server.Close() }

// welcome says what to do next.
func welcome(out io.Writer, cfg *config.Config) {
	fmt.Fprintf(out, `
Gatehouse is running, with a built-in identity provider (users: alice, bob).

  MCP endpoint   %s
  Home page      %s/
  gRPC           %s   (grpcurl -plaintext %s list)
  Data           %s

Try it in a second terminal; it logs in through the browser and calls the samples:

  go run ./cmd/gatehouse connect %s

Or add it to a client:

`, cfg.Resource(), cfg.BaseURL, cfg.GRPCAddr, cfg.GRPCAddr, cfg.DataDir, cfg.Resource())
	for _, c := range clients.Commands("gatehouse", cfg.Resource()) {
		if line := c.Line(runtime.GOOS); line != "" && c.ID != clients.Self {
			fmt.Fprintf(out, "  %-14s %s\n", c.Client, line)
		}
	}
	fmt.Fprintln(out, "\nNo browser on this machine? go run ./cmd/gatehouse tour walks a whole login by itself.")
}
