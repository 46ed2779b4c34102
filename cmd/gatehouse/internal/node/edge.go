package node

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-auth/gatehouse/edge"
	"github.com/gatehouse-auth/gatehouse/edge/ratelimit"
	"github.com/gatehouse-auth/gatehouse/server/config"
)

// edgeNode is the edge with its HTTP listener.
type edgeNode struct {
	server     *http.Server
	listener   net.Listener
	connection connection
	handler    *edge.Handler
}

func openEdge(options Options, join func(Options) (connection, error)) (*edgeNode, error) {
	cfg := options.Config
	conn, err := join(options)
	if err != nil {
		return nil, err
	}
	listener, err := listen(context.Background(), cfg.HTTPAddr, "GATEHOUSE_HTTP_ADDR")
	if err != nil {
		return nil, errors.Join(err, conn.close())
	}
	handler, err := edge.New(
		edge.Deps{Conn: conn, Logger: options.Logger, Now: time.Now, Random: rand.Reader, Remote: !options.Core},
		edge.Config{
			Issuer:         cfg.BaseURL,
			Resource:       cfg.Resource(),
			Scopes:         cfg.Scopes,
			ServerName:     cfg.ServerName,
			Version:        options.Version,
			AllowedHosts:   cfg.AllowedHosts,
			AllowedOrigins: cfg.AllowedOrigins,
			TrustedProxies: cfg.TrustedProxies,
			Limits:         limits(cfg),
		})
	if err != nil {
		return nil, errors.Join(err, listener.Close(), conn.close())
	}
	if cfg.Secure() && len(cfg.TrustedProxies) == 0 {
		options.Logger.Warn("clients cannot be told apart: https ends at a proxy, and GATEHOUSE_TRUSTED_PROXIES names none")
	}
	options.Logger.Info("http listening", "address", listener.Addr().String(), "issuer", cfg.BaseURL)
	return &edgeNode{
		server: edge.NewHTTPServer(handler, options.Logger), listener: listener, connection: conn, handler: handler,
	}, nil
}

func limits(cfg *config.Config) edge.Limits {
	both := func(source, total config.Rate) edge.Limit {
		return edge.Limit{Source: ratelimit.Limit(source), Total: ratelimit.Limit(total)}
	}
	return edge.Limits{
		Registration: both(cfg.RegisterLimit, cfg.RegisterLimitTotal),
		Login:        both(cfg.LoginLimit, cfg.LoginLimitTotal),
		Token:        both(cfg.TokenLimit, cfg.TokenLimitTotal),
	}
}

// serve answers requests, and follows the revocations of the core as long as it does.
func (e *edgeNode) serve() error {
	group, ctx := errgroup.WithContext(context.Background())
	ctx, cancel := context.WithCancel(ctx)
	group.Go(func() error { return e.handler.Follow(ctx) })
	group.Go(func() error {
		defer cancel()
		if err := e.server.Serve(e.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return group.Wait()
}

// drain has nothing to do: the edge is as ready as its core, and stop is first to close its listener.
func (e *edgeNode) drain() {}

// stop lets requests finish. Streams that outlast the drain time are cut.
func (e *edgeNode) stop(ctx context.Context) error {
	err := e.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = e.server.Close()
	}
	return errors.Join(err, e.connection.close())
}
