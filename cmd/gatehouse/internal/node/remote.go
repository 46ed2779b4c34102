package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// connection is the way from an edge to its core.
type connection struct {
	grpc.ClientConnInterface
	close func() error
}

// joinRemote connects to a core in another process with the admin token.
func joinRemote(options Options) (connection, error) {
	conn, err := Dial(options.Config)
	if err != nil {
		return connection{}, err
	}
	options.Logger.Info("core", "address", options.Config.CoreAddr, "tls", options.Config.GRPCTLSCA != "")
	return connection{ClientConnInterface: conn, close: conn.Close}, nil
}

// Dial connects to a core in another process with the admin token. The connection is made at the first call.
func Dial(cfg *config.Config) (*grpc.ClientConn, error) {
	if !cfg.CoreIsSafe() {
		return nil, fmt.Errorf("the core is at %s, off loopback: set GATEHOUSE_GRPC_TLS_CA to the certificates that it is known by", cfg.CoreAddr)
	}
	token, err := adminToken(cfg)
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials() // loopback only, as was just seen
	if cfg.GRPCTLSCA != "" {
		if transport, err = credentials.NewClientTLSFromFile(cfg.GRPCTLSCA, ""); err != nil {
			return nil, fmt.Errorf("GATEHOUSE_GRPC_TLS_CA: %w", err)
		}
	}
	conn, err := grpc.NewClient(cfg.CoreAddr,
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(bearer{token: token, secure: cfg.GRPCTLSCA != ""}),
		// A connection that is lost without a word takes every call with it until somebody notices. The system takes a
		// quarter of an hour for that.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return nil, fmt.Errorf("GATEHOUSE_CORE_ADDR: %w", err)
	}
	return conn, nil
}

// adminToken is the configured one, or the one in the data directory when both run on one machine.
func adminToken(cfg *config.Config) (secret.Text, error) {
	if !cfg.AdminToken.IsEmpty() {
		return cfg.AdminToken, nil
	}
	path := filepath.Join(cfg.DataDir, "admin.token")
	content, err := os.ReadFile(path)
	if err != nil {
		return secret.Text{}, fmt.Errorf("the core's admin token is not known: "+
			"set GATEHOUSE_ADMIN_TOKEN_FILE, or run this with the core's data directory: %w", err)
	}
	return secret.NewText(strings.TrimSpace(string(content))), nil
}

// bearer sends the admin token with every call.
type bearer struct {
	token  secret.Text
	secure bool
}

// GetRequestMetadata returns the authorization metadata.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token.Reveal()}, nil
}

// RequireTransportSecurity is false only for a core on loopback.
func (b bearer) RequireTransportSecurity() bool { return b.secure }
