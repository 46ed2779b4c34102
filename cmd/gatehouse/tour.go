package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/tour"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/devidp"
)

func runTour(ctx context.Context, term terminal, args []string) (err error) {
	dir, err := os.MkdirTemp("", "gatehouse-tour-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cfg, err := tourConfig(ctx, term, args, dir)
	if err != nil {
		return err
	}
	var options []tour.Option
	if isTerminal(term.Out) && !isSet("NO_COLOR") {
		options = append(options, tour.WithColor())
	}
	err = visitLocal(ctx, cfg, newLogger(cfg, term.Err), func(ctx context.Context) error {
		return tour.Walk(ctx, tourTarget(cfg), term.Out, options...)
	})
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

// tourConfig is the settings of dev mode on free ports and in a directory that goes away. Settings for these win, but
// the tour always stays on this machine: a base URL is where others reach a server, and would lead the tour to it.
func tourConfig(ctx context.Context, term terminal, args []string, dir string) (*config.Config, error) {
	presets := devPresets()
	presets["GATEHOUSE_DATA_DIR"] = dir
	presets["GATEHOUSE_LOG_LEVEL"] = "error"
	if err := presetPorts(ctx, presets); err != nil {
		return nil, err
	}
	// Of two equal flags the last wins, so that one of the user's still does.
	load := func(base string) (*config.Config, []string, error) {
		return loadConfig("tour", term, append([]string{"--mcp-server-base-url", base}, args...), presets)
	}
	cfg, rest, err := load("http://127.0.0.1")
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%w: unexpected argument %q", errUsage, rest[0])
	}
	switch {
	case !config.IsLoopback(cfg.HTTPAddr):
		return nil, fmt.Errorf("GATEHOUSE_HTTP_ADDR: the tour stays on this machine, and %s is not on loopback", cfg.HTTPAddr)
	case !config.IsLoopback(cfg.GRPCAddr) || cfg.GRPCTLSCert != "":
		return nil, errors.New("GATEHOUSE_GRPC_ADDR, GATEHOUSE_GRPC_TLS_CERT: the tour speaks gRPC on loopback, without TLS")
	}
	cfg, _, err = load("http://" + cfg.HTTPAddr)
	return cfg, err
}

// presetPorts finds free ports. All are open at once, so that they differ.
func presetPorts(ctx context.Context, presets map[string]string) error {
	for _, name := range []string{"GATEHOUSE_HTTP_ADDR", "GATEHOUSE_GRPC_ADDR", "GATEHOUSE_DEV_IDP_ADDR"} {
		var lc net.ListenConfig
		listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("no free port: %w", err)
		}
		defer func() { _ = listener.Close() }()
		presets[name] = listener.Addr().String()
	}
	return nil
}

// tourTarget is the server of the settings, and a user of the built-in provider.
func tourTarget(cfg *config.Config) tour.Target {
	user := devidp.DefaultUsers()[0]
	return tour.Target{
		BaseURL:  cfg.BaseURL,
		Resource: cfg.Resource(),
		GRPCAddr: cfg.GRPCAddr,
		User: tour.User{
			Username:  user.Username,
			Password:  user.Password,
			GivenName: user.GivenName,
			Email:     user.Email,
		},
	}
}

// visitLocal runs a node with the built-in identity provider for as long as the visit takes.
func visitLocal(ctx context.Context, cfg *config.Config, logger *slog.Logger, visit func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	listening := make(chan struct{})
	group.Go(func() error { return runLocal(ctx, cfg, logger, func() { close(listening) }) })
	group.Go(func() error {
		defer stop()
		select {
		case <-listening:
			return visit(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	return group.Wait()
}
