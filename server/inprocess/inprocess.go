// Package inprocess is the way into the core for whoever runs in the same process: a gRPC channel without a wire.
//
// Interceptors run, messages are copied and errors are statuses, as over a wire. Two things differ. The handler runs on
// the goroutine of its caller, which is why a call costs a microsecond or two, and why it returns only when the handler
// does: handlers mind their context. And the values of the caller's context are there for the handler, since their keys
// are private to whoever put them in.
package inprocess

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Channel is both ends of a connection: services register with it, clients call through it. It carries unary calls only,
// without response headers. Calls may run at the same time, but not with RegisterService.
type Channel struct {
	interceptor grpc.UnaryServerInterceptor
	methods     map[string]method
}

var (
	_ grpc.ClientConnInterface = (*Channel)(nil)
	_ grpc.ServiceRegistrar    = (*Channel)(nil)
)

type method struct {
	service any
	handle  grpc.MethodHandler
}

// NewChannel returns a channel whose calls all go through an interceptor.
func NewChannel(interceptor grpc.UnaryServerInterceptor) *Channel {
	return &Channel{interceptor: interceptor, methods: make(map[string]method)}
}

// RegisterService adds the unary methods of a service. It panics when one is there already, as a gRPC server does.
func (c *Channel) RegisterService(desc *grpc.ServiceDesc, service any) {
	for _, m := range desc.Methods {
		name := "/" + desc.ServiceName + "/" + m.MethodName
		if _, exists := c.methods[name]; exists {
			panic("inprocess: " + name + " is registered twice")
		}
		c.methods[name] = method{service: service, handle: m.Handler}
	}
}

// Invoke calls a method. Call options are for wires, and are ignored.
func (c *Channel) Invoke(ctx context.Context, name string, request, reply any, _ ...grpc.CallOption) error {
	m, ok := c.methods[name]
	if !ok {
		return status.Error(codes.Unimplemented, "The method does not exist.")
	}
	if err := ctx.Err(); err != nil {
		return status.FromContextError(err).Err()
	}
	receive := func(into any) error { return copyMessage(into, request) }
	answer, err := m.handle(m.service, arrived(ctx), receive, c.interceptor)
	if err != nil {
		return statusOf(err)
	}
	return copyMessage(reply, answer)
}

// NewStream fails: there are no streams.
func (c *Channel) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "There are no streams in this channel.")
}

// arrived is a context on the other side: what went out has come in, and what had come in is of another call.
func arrived(ctx context.Context) context.Context {
	sent, _ := metadata.FromOutgoingContext(ctx)
	return metadata.NewIncomingContext(ctx, sent)
}

// statusOf is what a gRPC server makes of the error of a handler.
func statusOf(err error) error {
	s, ok := status.FromError(err)
	if !ok {
		s = status.FromContextError(err)
	}
	return s.Err()
}

// copyMessage keeps each side from changing what the other one holds.
func copyMessage(into, from any) error {
	to, ok := into.(proto.Message)
	if !ok {
		return status.Error(codes.Internal, fmt.Sprintf("inprocess: %T is no message.", into))
	}
	message, ok := from.(proto.Message)
	if !ok {
		return status.Error(codes.Internal, fmt.Sprintf("inprocess: %T is no message.", from))
	}
	proto.Reset(to)
	proto.Merge(to, message)
	return nil
}
