// Package inprocess connects clients to services in the same process.
package inprocess

import (
	"context"
	"strings"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Interceptor stands before every call, as the interceptors of a gRPC server do.
type Interceptor interface {
	Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error)
	Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error
}

// Channel is a connection to the services that are registered with it. Register them before the first call.
//
// A unary call runs on the goroutine of its caller: a new one would have to grow its stack each time, which costs several
// times what a token verification does. Streams are those of inprocgrpc.
type Channel struct {
	interceptor Interceptor
	methods     map[string]method
	streams     *inprocgrpc.Channel
}

var (
	_ grpc.ClientConnInterface = (*Channel)(nil)
	_ grpc.ServiceRegistrar    = (*Channel)(nil)
)

// method is a unary method and the service that has it.
type method struct {
	service any
	handler grpc.MethodHandler
}

// NewChannel returns a connection whose calls all pass the interceptor.
func NewChannel(interceptor Interceptor) *Channel {
	return &Channel{
		interceptor: interceptor,
		methods:     make(map[string]method),
		streams:     new(inprocgrpc.Channel).WithServerStreamInterceptor(interceptor.Stream),
	}
}

// RegisterService implements grpc.ServiceRegistrar.
func (c *Channel) RegisterService(desc *grpc.ServiceDesc, service any) {
	for _, m := range desc.Methods {
		c.methods["/"+desc.ServiceName+"/"+m.MethodName] = method{service, m.Handler}
	}
	c.streams.RegisterService(desc, service)
}

// Invoke implements grpc.ClientConnInterface. Messages are copied on their way, since services keep and share theirs.
// Errors have a status, as those from the network. Of the options, Header and Trailer have a meaning here.
//
// The service sees the values of the caller's context, and metadata as it would over the network.
func (c *Channel) Invoke(ctx context.Context, name string, request, response any, opts ...grpc.CallOption) error {
	m, ok := c.methods[name]
	if !ok {
		return status.Errorf(codes.Unimplemented, "unknown method %s", name)
	}
	if err := ctx.Err(); err != nil {
		return toStatus(err)
	}
	sent, _ := metadata.FromOutgoingContext(ctx)
	transport := &transport{method: name}
	ctx = grpc.NewContextWithServerTransportStream(metadata.NewIncomingContext(ctx, sent), transport)
	answer, err := m.handler(m.service, ctx, func(into any) error { return copyMessage(into, request) }, c.interceptor.Unary)
	transport.deliver(opts)
	if err != nil {
		return toStatus(err)
	}
	return copyMessage(response, answer)
}

// NewStream implements grpc.ClientConnInterface.
func (c *Channel) NewStream(
	ctx context.Context, desc *grpc.StreamDesc, name string, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return c.streams.NewStream(ctx, desc, "/"+strings.TrimPrefix(name, "/"), opts...)
}

func copyMessage(into, from any) error {
	target, ok := into.(proto.Message)
	source, okToo := from.(proto.Message)
	if !ok || !okToo || !source.ProtoReflect().IsValid() {
		return status.Errorf(codes.Internal, "not a message: %T, %T", into, from)
	}
	proto.Reset(target)
	proto.Merge(target, source)
	return nil
}

// toStatus gives an error the form that it would have after its way over the network.
func toStatus(err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.FromContextError(err).Err()
}
