package node

import (
	"context"
	"errors"
	"net"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/gatehouse-auth/gatehouse/server"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/inprocess"
	"github.com/gatehouse-auth/gatehouse/server/interceptor"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Bounds of the gRPC listener.
const (
	maxMessage    = 1 << 20
	maxHeaderList = 16 << 10
	maxStreams    = 250
	// maxConnections is how many connections are open at once. A program has one. The next waits until one closes, and
	// those that are of no use do so soon: a peer has connectTimeout to say that it speaks gRPC, and may be without a call
	// for idleTimeout.
	maxConnections = 1024
	// maxOfSource is how many of them come from one source, as package ratelimit counts.
	maxOfSource    = maxConnections / 4
	connectTimeout = 10 * time.Second
	idleTimeout    = 5 * time.Minute
	// A peer that is silent for pingInterval is asked whether it is still there. One that died with its machine would
	// otherwise keep its streams for hours.
	pingInterval = time.Minute
	pingTimeout  = 10 * time.Second
)

// streamWorkers are goroutines that serve one call after the other. A new one for each call would have to grow its stack
// each time. Calls beyond the workers still get one.
const streamWorkers = 16

// coreNode is the core with its gRPC listener.
type coreNode struct {
	core     *server.Core
	grpc     *grpc.Server
	listener net.Listener
}

func openCore(ctx context.Context, options Options) (*coreNode, error) {
	cfg := options.Config
	serverOptions, err := transport(cfg)
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, cfg.GRPCAddr, "GATEHOUSE_GRPC_ADDR")
	if err != nil {
		return nil, err
	}
	core, err := server.Open(ctx, server.Deps{
		Config:   cfg,
		Provider: options.Provider,
		Logger:   options.Logger,
		Random:   secret.NewSource(nil),
		Now:      time.Now,
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	gate := interceptor.ListenerGate(interceptor.NewTable(), core.AdminToken, config.IsLoopback(listener.Addr().String()))
	chain := core.Chain(gate)
	grpcServer := grpc.NewServer(append(serverOptions,
		grpc.UnaryInterceptor(chain.Unary),
		grpc.StreamInterceptor(chain.Stream),
	)...)
	core.Register(grpcServer)
	reflection.Register(grpcServer)
	options.Logger.Info("grpc listening", "address", listener.Addr().String(), "tls", cfg.GRPCTLSCert != "")
	return &coreNode{core: core, grpc: grpcServer, listener: listener}, nil
}

// transport is the bounds of the listener, and TLS when it is configured.
func transport(cfg *config.Config) ([]grpc.ServerOption, error) {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxHeaderListSize(maxHeaderList),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: idleTimeout, Time: pingInterval, Timeout: pingTimeout,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
	if cfg.GRPCTLSCert == "" {
		return options, nil
	}
	creds, err := credentials.NewServerTLSFromFile(cfg.GRPCTLSCert, cfg.GRPCTLSKey)
	if err != nil {
		return nil, err
	}
	return append(options, grpc.Creds(creds)), nil
}

// join connects an edge in this process. It goes through the same interceptors as a call from the network, with a gate
// that knows where it comes from.
func (c *coreNode) join(Options) (connection, error) {
	channel := inprocess.NewChannel(c.core.Chain(interceptor.InProcessGate(interceptor.NewTable())))
	c.core.Register(channel)
	return connection{ClientConnInterface: channel, close: func() error { return nil }}, nil
}

func (c *coreNode) serve() error {
	return c.grpc.Serve(netutil.LimitListener(newShares(c.listener, maxOfSource), maxConnections))
}

func (c *coreNode) drain() { c.core.Drain() }

func (c *coreNode) stop(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		c.grpc.GracefulStop()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		c.grpc.Stop()
		<-done
	}
	return nil
}

func (c *coreNode) close() error { return c.core.Close() }
