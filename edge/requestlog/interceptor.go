package requestlog

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// MetadataKey is the gRPC metadata that carries the request identifier to the core, so that one search finds the lines
// of both.
const MetadataKey = "x-request-id"

// UnaryClientInterceptor sends the identifier of the HTTP request with each call that is made on its behalf. It
// replaces one that is there already: only this process decides it.
func UnaryClientInterceptor(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
	invoker grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	if id := ID(ctx); id != "" {
		md, _ := metadata.FromOutgoingContext(ctx) // a copy, or nil
		if md == nil {
			md = metadata.MD{}
		}
		md.Set(MetadataKey, id)
		ctx = metadata.NewOutgoingContext(ctx, md)
	}
	return invoker(ctx, method, req, reply, cc, opts...)
}
