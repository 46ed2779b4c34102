// Package node runs a server in this process: the core with its gRPC listener, the edge with its HTTP listener, or
// both, joined in memory so that the interceptors run all the same.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// drainTimeout bounds the time from SIGTERM to the exit.
const drainTimeout = 10 * time.Second

// Options says what to run.
type Options struct {
	Config     *config.Config
	Logger     *slog.Logger
	Version    string
	Core, Edge bool
	// Provider is needed with Core.
	Provider upstream.Provider
	// Listening, when set, is called once the listeners are open.
	Listening func()
}

// part is something that serves until it is told to stop.
type part interface {
	// serve blocks until stop, and returns nil then.
	serve() error
	// drain says to those who ask that no new work is wanted. It comes before any part stops.
	drain()
	// stop finishes what is under way within the time of the context.
	stop(ctx context.Context) error
}

// Run serves until the context ends, then drains: not ready first, then the edge, then the core, then the store.
func Run(ctx context.Context, options Options) (err error) {
	var parts []part
	join := joinRemote
	if options.Core {
		core, err := openCore(ctx, options)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, core.close()) }()
		parts = append(parts, core)
		join = core.join
	}
	if options.Edge {
		edge, err := openEdge(options, join)
		if err != nil {
			return errors.Join(err, stopAll(parts))
		}
		parts = append(parts, edge)
	}
	if options.Listening != nil {
		options.Listening()
	}
	return serveAll(ctx, parts, options.Logger)
}

// serveAll runs the parts until the context ends or one of them fails.
func serveAll(ctx context.Context, parts []part, logger *slog.Logger) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range parts {
		group.Go(p.serve)
	}
	group.Go(func() error {
		<-ctx.Done()
		logger.Info("stopping")
		for _, p := range parts {
			p.drain()
		}
		return stopAll(parts)
	})
	return group.Wait()
}

// stopAll stops the parts in reverse order: the edge needs the core to finish its requests.
func stopAll(parts []part) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	var problems []error
	for _, p := range slices.Backward(parts) {
		problems = append(problems, p.stop(ctx))
	}
	return errors.Join(problems...)
}

// listen opens a TCP listener and says which setting to change when it cannot.
func listen(ctx context.Context, address, setting string) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return listener, nil
}
