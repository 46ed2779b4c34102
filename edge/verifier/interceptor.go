package verifier

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// UnaryInterceptor is Middleware for gRPC servers. It reads the "authorization" metadata, hands the handler a context
// with a principal and without that metadata, and refuses with Unauthenticated, PermissionDenied (a missing scope) or
// Unavailable (an outage, with google.rpc.RetryInfo).
func (v *Verifier) UnaryInterceptor() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		if slices.Contains(v.publicMethods, info.FullMethod) {
			return handler(ctx, req)
		}
		ctx, err := v.admitRPC(ctx)
		if err != nil {
			return nil, err
		}
		return handler(ctx, req)
	}
}

// StreamInterceptor is UnaryInterceptor for streams. When the token stops being good in mid-stream, the context of the
// stream ends and messages pass no more; see [Verifier.Watch].
func (v *Verifier) StreamInterceptor() grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		if slices.Contains(v.publicMethods, info.FullMethod) {
			return handler(srv, stream)
		}
		ctx, err := v.admitRPC(stream.Context())
		if err != nil {
			return err
		}
		ctx, stop := v.Watch(ctx)
		defer stop()
		admitted := &admittedStream{ServerStream: stream, ctx: ctx}
		err = handler(srv, admitted)
		// A handler may take the end of its context for the end of its work. It is not: the answer is cut short.
		if refused := admitted.refused(); refused != nil {
			return refused
		}
		return err
	}
}

// admittedStream is a stream with a watched context. Once that has ended no message passes in either direction.
type admittedStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the context with the principal.
func (s *admittedStream) Context() context.Context { return s.ctx }

// SendMsg fails when the token is no longer good.
func (s *admittedStream) SendMsg(m any) error {
	if err := s.refused(); err != nil {
		return err
	}
	return s.ServerStream.SendMsg(m)
}

// RecvMsg fails when the token is no longer good. It looks after the message has come, which may be much later.
func (s *admittedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return s.refused()
}

// refused returns why the watch ended the context, or nil when it did not.
func (s *admittedStream) refused() error {
	if s.ctx.Err() == nil || s.ServerStream.Context().Err() != nil {
		return nil
	}
	return rpcError(context.Cause(s.ctx))
}

func (v *Verifier) admitRPC(ctx context.Context) (context.Context, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	token, err := bearerToken(md.Get("authorization"))
	if err != nil {
		return nil, rpcError(err)
	}
	principal, err := v.Verify(ctx, token)
	if err != nil {
		if outage, ok := errors.AsType[*Unavailable](err); ok && ctx.Err() == nil {
			v.logger.WarnContext(ctx, "token could not be verified", "error", outage.cause)
		}
		return nil, rpcError(err)
	}
	md = md.Copy()
	md.Delete("authorization")
	ctx = metadata.NewIncomingContext(ctx, md)
	return withAdmission(ctx, &admission{principal: principal, token: token}), nil
}

// rpcError is WriteError for gRPC.
func rpcError(err error) error {
	if _, ok := errors.AsType[*InsufficientScope](err); ok {
		return status.Error(codes.PermissionDenied, textScope)
	}
	if outage, ok := errors.AsType[*Unavailable](err); ok {
		s := status.New(codes.Unavailable, textUnavailable)
		if detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(outage.RetryAfter)}); err == nil {
			s = detailed
		}
		return s.Err()
	}
	switch {
	case errors.Is(err, ErrNoCredentials):
		return status.Error(codes.Unauthenticated, "The call carries no access token.")
	case errors.Is(err, ErrRepeatedCredentials):
		return status.Error(codes.Unauthenticated, textRepeated)
	default:
		return status.Error(codes.Unauthenticated, textInactive)
	}
}
