package interceptor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// defaultDeadline bounds a call whose caller set no deadline.
const defaultDeadline = 30 * time.Second

// Deps is what the chain needs.
type Deps struct {
	Logger    *slog.Logger
	Validator protovalidate.Validator
	// Status gives an error of a use case its public form.
	Status func(error) *status.Status
}

// Chain is the interceptors of one listener in one function, since an in-process channel takes only one.
type Chain struct {
	deps Deps
	gate Gate
}

// NewChain returns the chain of a listener.
func NewChain(deps Deps, gate Gate) Chain { return Chain{deps: deps, gate: gate} }

// Unary runs a call: recovered, bounded, allowed, valid, and logged when it failed for a reason that is ours.
func (c Chain) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	defer c.recover(ctx, info.FullMethod, &err)
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultDeadline)
		defer cancel()
	}
	return c.gate.Unary(ctx, req, info, func(ctx context.Context, req any) (any, error) {
		if err := c.validate(req); err != nil {
			return nil, err
		}
		resp, err := handler(ctx, req)
		if err != nil {
			return nil, c.public(ctx, info.FullMethod, err)
		}
		return resp, nil
	})
}

// Stream runs a stream: recovered, allowed, and valid message by message. It lasts as long as the caller stays.
func (c Chain) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer c.recover(stream.Context(), info.FullMethod, &err)
	return c.gate.Stream(srv, stream, info, func(srv any, stream grpc.ServerStream) error {
		if err := handler(srv, validStream{ServerStream: stream, validate: c.validate}); err != nil {
			return c.public(stream.Context(), info.FullMethod, err)
		}
		return nil
	})
}

// validStream refuses what a caller sends against the rules.
type validStream struct {
	grpc.ServerStream
	validate func(req any) error
}

// RecvMsg implements grpc.ServerStream.
func (s validStream) RecvMsg(req any) error {
	if err := s.ServerStream.RecvMsg(req); err != nil {
		return err
	}
	return s.validate(req)
}

// validate applies the rules in the proto. The first broken one is named to the caller.
func (c Chain) validate(req any) error {
	message, ok := req.(proto.Message)
	if !ok {
		return status.Error(codes.Internal, "The server failed.")
	}
	if err := c.deps.Validator.Validate(message); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return nil
}

// public replaces an error by its public form. What is not the caller's fault is logged here, once, with its cause.
func (c Chain) public(ctx context.Context, method string, err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	public := c.deps.Status(err)
	level := slog.LevelInfo
	switch {
	case errors.Is(ctx.Err(), context.Canceled): // the caller has gone away, which breaks off what was under way
	case public.Code() == codes.Internal:
		level = slog.LevelError
	case public.Code() == codes.Unavailable: // an outage of somebody else
		level = slog.LevelWarn
	}
	c.deps.Logger.Log(ctx, level, "rpc failed",
		"method", method, "code", public.Code().String(), "error", err, "request_id", requestID(ctx))
	return public.Err()
}

func (c Chain) recover(ctx context.Context, method string, err *error) {
	if cause := recover(); cause != nil {
		c.deps.Logger.ErrorContext(ctx, "rpc panicked", "method", method, "panic", fmt.Sprint(cause),
			"stack", string(debug.Stack()), "request_id", requestID(ctx))
		*err = status.Error(codes.Internal, "The server failed.")
	}
}

// requestID is the identifier that the edge gave the HTTP request, so that both log lines can be found.
func requestID(ctx context.Context) string {
	for _, id := range metadata.ValueFromIncomingContext(ctx, "x-request-id") {
		if len(id) <= 32 {
			return id
		}
	}
	return ""
}
