package interceptor

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// authorization is the metadata key of tokens and client credentials.
const authorization = "authorization"

// Gate decides who may call. Each listener has a gate of its own, so that how a call came in is a fact of the wiring
// and never of the request.
type Gate struct {
	table      Table
	inProcess  bool
	loopback   bool
	adminToken secret.Text
	streams    *streams
}

// InProcessGate is the gate of the edge in the same process.
func InProcessGate(table Table) Gate {
	return Gate{table: table, inProcess: true, streams: newStreams()}
}

// ListenerGate is the gate of a network listener. On loopback, local methods need no token.
func ListenerGate(table Table, adminToken secret.Text, loopback bool) Gate {
	return Gate{table: table, adminToken: adminToken, loopback: loopback, streams: newStreams()}
}

// admit returns the context of a call that is allowed, or the status to refuse with.
func (g Gate) admit(ctx context.Context, method string) (context.Context, error) {
	access := g.table[method]
	switch {
	case access == Closed:
		return nil, status.Error(codes.Unimplemented, "The method does not exist.")
	case g.inProcess, access == Local && g.loopback:
		return ctx, nil
	}
	if rest, ok := g.takeAdminToken(ctx); ok {
		return rest, nil
	}
	return nil, status.Error(codes.Unauthenticated, "The method needs the admin token as \"authorization: Bearer ...\".")
}

// takeAdminToken takes one admin token out of the authorization values. An edge adds its own to that of its client: what
// remains is the client's, and the edge's must not pass for it.
func (g Gate) takeAdminToken(ctx context.Context) (context.Context, bool) {
	if g.adminToken.IsEmpty() {
		return nil, false
	}
	values := metadata.ValueFromIncomingContext(ctx, authorization)
	at := slices.IndexFunc(values, func(value string) bool {
		scheme, presented, _ := strings.Cut(value, " ")
		return strings.EqualFold(scheme, "bearer") && g.adminToken.Equal(secret.NewText(presented))
	})
	if at < 0 {
		return nil, false
	}
	md, _ := metadata.FromIncomingContext(ctx) // a copy
	md[authorization] = slices.Delete(values, at, at+1)
	return metadata.NewIncomingContext(ctx, md), true
}

// Unary refuses calls that are not allowed.
func (g Gate) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, err := g.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// Stream refuses streams that are not allowed, or too many. None of them looks at who called.
func (g Gate) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if _, err := g.admit(stream.Context(), info.FullMethod); err != nil {
		return err
	}
	_, trusted := g.takeAdminToken(stream.Context())
	from := place{method: info.FullMethod, trusted: trusted || g.inProcess}
	if err := g.streams.enter(from); err != nil {
		return err
	}
	defer g.streams.leave(from)
	return handler(srv, stream)
}
