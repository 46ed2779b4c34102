package interceptor

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Gate decides who may call. Each listener has a gate of its own, so that how a call came in is a fact of the wiring
// and never of the request.
type Gate struct {
	table      Table
	inProcess  bool
	loopback   bool
	adminToken secret.Text
}

// InProcessGate is the gate of the edge in the same process.
func InProcessGate(table Table) Gate { return Gate{table: table, inProcess: true} }

// ListenerGate is the gate of a network listener. On loopback, local methods need no token.
func ListenerGate(table Table, adminToken secret.Text, loopback bool) Gate {
	return Gate{table: table, adminToken: adminToken, loopback: loopback}
}

// check answers nil, or the status to refuse with.
func (g Gate) check(ctx context.Context, method string) error {
	access := g.table[method]
	switch {
	case access == Closed:
		return status.Error(codes.Unimplemented, "The method does not exist.")
	case g.inProcess, access == Local && g.loopback:
		return nil
	case g.presentsAdminToken(ctx):
		return nil
	}
	return status.Error(codes.Unauthenticated, "The method needs the admin token as \"authorization: Bearer ...\".")
}

// presentsAdminToken looks at every authorization value: an edge adds its own to the one of its client.
func (g Gate) presentsAdminToken(ctx context.Context) bool {
	if g.adminToken.IsEmpty() {
		return false
	}
	for _, value := range metadata.ValueFromIncomingContext(ctx, "authorization") {
		scheme, presented, _ := strings.Cut(value, " ")
		if strings.EqualFold(scheme, "bearer") && g.adminToken.Equal(secret.NewText(presented)) {
			return true
		}
	}
	return false
}

// Unary refuses calls that are not allowed.
func (g Gate) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := g.check(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// Stream refuses streams that are not allowed.
func (g Gate) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if err := g.check(stream.Context(), info.FullMethod); err != nil {
		return err
	}
	return handler(srv, stream)
}
