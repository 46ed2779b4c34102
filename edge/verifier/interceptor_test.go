package verifier_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	"github.com/gatehouse-auth/gatehouse/edge/verifier/verifiertest"
)

const method = "/example.v1.Engine/Run"

func incoming(t *testing.T, authorization ...string) context.Context {
	return metadata.NewIncomingContext(t.Context(), metadata.MD{"authorization": authorization, "x-other": {"kept"}})
}

func TestInterceptorsRefuseWithTheCodeThatSaysWhatToDo(t *testing.T) {
	narrow := ada()
	narrow.Scopes = nil
	tests := map[string]struct {
		authorization []string
		outage        error
		want          codes.Code
	}{
		"nothing":       {nil, nil, codes.Unauthenticated},
		"two":           {[]string{"Bearer good", "Bearer good"}, nil, codes.Unauthenticated},
		"unknown":       {[]string{"Bearer nobody"}, nil, codes.Unauthenticated},
		"lacks a scope": {[]string{"Bearer narrow"}, nil, codes.PermissionDenied},
		"core away":     {[]string{"Bearer good"}, errors.New("down"), codes.Unavailable},
		"core refuses":  {[]string{"Bearer good"}, status.Error(codes.PermissionDenied, "no"), codes.Unavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			core := verifiertest.NewClient(clock)
			core.Issue("good", ada())
			core.Issue("narrow", narrow)
			core.Fail(tt.outage)
			v := verifier.New(core, config(), verifier.WithClock(clock))
			ctx := incoming(t, tt.authorization...)

			_, unary := v.UnaryInterceptor()(ctx, nil, &grpc.UnaryServerInfo{FullMethod: method},
				func(context.Context, any) (any, error) { t.Error("reached"); return nil, nil })
			stream := v.StreamInterceptor()(nil, &fakeStream{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: method},
				func(any, grpc.ServerStream) error { t.Error("reached"); return nil })
			for _, err := range []error{unary, stream} {
				if status.Code(err) != tt.want {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if tt.want == codes.Unavailable && !hasRetryInfo(err) {
					t.Errorf("%v does not say when to come back", err)
				}
			}
		})
	}
}

func hasRetryInfo(err error) bool {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok && info.GetRetryDelay().AsDuration() > 0 {
			return true
		}
	}
	return false
}

func TestInterceptorsHandOverThePrincipalAndNotTheToken(t *testing.T) {
	core := verifiertest.NewClient(clock)
	core.Issue("good", ada())
	v := verifier.New(core, config(), verifier.WithClock(clock))
	check := func(ctx context.Context) {
		if p, ok := verifier.PrincipalFrom(ctx); !ok || p.Subject() != "user-ada" {
			t.Errorf("principal %v, %v", p, ok)
		}
		md, _ := metadata.FromIncomingContext(ctx)
		if len(md.Get("authorization")) != 0 || len(md.Get("x-other")) != 1 {
			t.Errorf("metadata %v", md)
		}
	}
	ctx := incoming(t, "Bearer good")
	_, err := v.UnaryInterceptor()(ctx, nil, &grpc.UnaryServerInfo{FullMethod: method},
		func(ctx context.Context, _ any) (any, error) { check(ctx); return nil, nil })
	if err != nil {
		t.Error(err)
	}
	err = v.StreamInterceptor()(nil, &fakeStream{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: method},
		func(_ any, s grpc.ServerStream) error { check(s.Context()); return nil })
	if err != nil {
		t.Error(err)
	}
}

func TestOnlyNamedMethodsAreOpen(t *testing.T) {
	v := verifier.New(verifiertest.NewClient(clock), config(), verifier.WithPublicMethods("/grpc.health.v1.Health/Check"))
	call := func(method string) error {
		_, err := v.UnaryInterceptor()(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: method},
			func(context.Context, any) (any, error) { return nil, nil })
		return errors.Join(err, v.StreamInterceptor()(nil, &fakeStream{ctx: t.Context()}, &grpc.StreamServerInfo{FullMethod: method},
			func(any, grpc.ServerStream) error { return nil }))
	}
	if err := call("/grpc.health.v1.Health/Check"); err != nil {
		t.Error(err)
	}
	for _, m := range []string{"/grpc.health.v1.health/Check", "/grpc.health.v1.Health/Check/", "//grpc.health.v1.Health/Check", ""} {
		if err := call(m); err == nil {
			t.Errorf("%q is open", m)
		}
	}
}

// Covers mcp-session-token-bind for gRPC.
func TestNoMessagePassesAStreamWhoseTokenWasRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := verifiertest.NewClient(time.Now)
		token := ada()
		token.ExpireTime = time.Now().Add(time.Hour)
		core.Issue("good", token)
		v := verifier.New(core, config(), verifier.WithWatchInterval(time.Second))
		stream := &fakeStream{ctx: incoming(t, "Bearer good")}

		err := v.StreamInterceptor()(nil, stream, &grpc.StreamServerInfo{FullMethod: method}, func(_ any, s grpc.ServerStream) error {
			if err := errors.Join(s.SendMsg(1), s.RecvMsg(1)); err != nil {
				t.Error(err)
			}
			core.Revoke("good")
			<-s.Context().Done()
			for _, err := range []error{s.SendMsg(2), s.RecvMsg(2)} {
				if status.Code(err) != codes.Unauthenticated {
					t.Errorf("got %v", err)
				}
			}
			return nil
		})
		if status.Code(err) != codes.Unauthenticated {
			t.Errorf("the stream ended with %v", err)
		}
		if stream.sent != 1 {
			t.Errorf("%d messages were sent", stream.sent)
		}
	})
}

func TestTheErrorOfAHandlerIsKept(t *testing.T) {
	core := verifiertest.NewClient(clock)
	core.Issue("good", ada())
	v := verifier.New(core, config(), verifier.WithClock(clock))
	err := v.StreamInterceptor()(nil, &fakeStream{ctx: incoming(t, "Bearer good")}, &grpc.StreamServerInfo{FullMethod: method},
		func(any, grpc.ServerStream) error { return io.ErrUnexpectedEOF })
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

type fakeStream struct {
	grpc.ServerStream
	ctx  context.Context
	sent int
}

func (s *fakeStream) Context() context.Context { return s.ctx }
func (s *fakeStream) SendMsg(any) error        { s.sent++; return nil }
func (s *fakeStream) RecvMsg(any) error        { return nil }
