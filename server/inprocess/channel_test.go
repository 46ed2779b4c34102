package inprocess_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/inprocess"
)

// auth answers VerifyToken with what a test sets.
type auth struct {
	gatehousev1.UnimplementedAuthServiceServer
	verify func(context.Context, *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error)
}

func (a auth) VerifyToken(
	ctx context.Context, request *gatehousev1.VerifyTokenRequest,
) (*gatehousev1.VerifyTokenResponse, error) {
	return a.verify(ctx, request)
}

// watcher answers one message on a stream.
type watcher struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (watcher) Watch(_ *grpc_health_v1.HealthCheckRequest, stream grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	return stream.Send(&grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING})
}

// porter lets everybody in but those who say that they are bad.
type porter struct{}

func (porter) admit(ctx context.Context) error {
	if len(metadata.ValueFromIncomingContext(ctx, "bad")) > 0 {
		return status.Error(codes.PermissionDenied, "No.")
	}
	return nil
}

func (p porter) Unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := p.admit(ctx); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (p porter) Stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if err := p.admit(stream.Context()); err != nil {
		return err
	}
	return handler(srv, stream)
}

// both runs a test over the network and in the process: a client must not be able to tell the one from the other.
func both(t *testing.T, service auth, test func(*testing.T, grpc.ClientConnInterface)) {
	t.Helper()
	t.Run("over the network", func(t *testing.T) {
		server := grpc.NewServer(grpc.UnaryInterceptor(porter{}.Unary), grpc.StreamInterceptor(porter{}.Stream))
		register(server, service)
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(server.Stop)
		conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		test(t, conn)
	})
	t.Run("in the process", func(t *testing.T) {
		channel := inprocess.NewChannel(porter{})
		register(channel, service)
		test(t, channel)
	})
}

func register(registrar grpc.ServiceRegistrar, service auth) {
	gatehousev1.RegisterAuthServiceServer(registrar, service)
	grpc_health_v1.RegisterHealthServer(registrar, watcher{})
}

func TestMetadataGoesBothWays(t *testing.T) {
	service := auth{verify: func(ctx context.Context, _ *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		got := metadata.ValueFromIncomingContext(ctx, "x-request-id")
		return &gatehousev1.VerifyTokenResponse{}, errors.Join(
			grpc.SetHeader(ctx, metadata.MD{"first": got}),
			grpc.SendHeader(ctx, metadata.Pairs("second", "2")),
			grpc.SetTrailer(ctx, metadata.Pairs("last", "3")),
		)
	}}
	both(t, service, func(t *testing.T, conn grpc.ClientConnInterface) {
		var header, trailer metadata.MD
		ctx := metadata.AppendToOutgoingContext(t.Context(), "X-Request-ID", "request-1")
		_, err := gatehousev1.NewAuthServiceClient(conn).VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{},
			grpc.Header(&header), grpc.Trailer(&trailer))
		if err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]struct {
			md   metadata.MD
			want string
		}{"first": {header, "request-1"}, "second": {header, "2"}, "last": {trailer, "3"}} {
			if got := test.md.Get(name); len(got) != 1 || got[0] != test.want {
				t.Errorf("%s is %q, want %q", name, got, test.want)
			}
		}
	})
}

func TestMetadataComesWithARefusal(t *testing.T) {
	service := auth{verify: func(ctx context.Context, _ *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		return nil, errors.Join(
			grpc.SetHeader(ctx, metadata.Pairs("first", "1")),
			grpc.SetTrailer(ctx, metadata.Pairs("last", "2")),
			status.Error(codes.NotFound, "No such thing."))
	}}
	both(t, service, func(t *testing.T, conn grpc.ClientConnInterface) {
		var header, trailer metadata.MD
		_, err := gatehousev1.NewAuthServiceClient(conn).VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{},
			grpc.Header(&header), grpc.Trailer(&trailer))
		if err == nil || !slices.Equal(slices.Concat(header.Get("first"), trailer.Get("last")), []string{"1", "2"}) {
			t.Errorf("err = %v, header = %v, trailer = %v", err, header, trailer)
		}
	})
}

func TestAHeaderThatWasSentStands(t *testing.T) {
	var late error
	service := auth{verify: func(ctx context.Context, _ *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		err := grpc.SendHeader(ctx, metadata.Pairs("first", "1"))
		late = grpc.SetHeader(ctx, metadata.Pairs("first", "2"))
		return &gatehousev1.VerifyTokenResponse{}, err
	}}
	both(t, service, func(t *testing.T, conn grpc.ClientConnInterface) {
		var header metadata.MD
		_, err := gatehousev1.NewAuthServiceClient(conn).VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{}, grpc.Header(&header))
		if err != nil || late == nil || !slices.Equal(header.Get("first"), []string{"1"}) {
			t.Errorf("err = %v, too late = %v, header = %v", err, late, header)
		}
	})
}

func TestCallsEndWithAStatus(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(context.Context) context.Context
		answer  error
		want    codes.Code
	}{
		"a status":                 {nil, status.Error(codes.NotFound, "No such thing."), codes.NotFound},
		"an error without one":     {nil, errors.New("broken"), codes.Unknown},
		"the end of its time":      {nil, context.DeadlineExceeded, codes.DeadlineExceeded},
		"refused by interceptors":  {func(ctx context.Context) context.Context { return metadata.AppendToOutgoingContext(ctx, "bad", "1") }, nil, codes.PermissionDenied},
		"a caller who left before": {canceled, nil, codes.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			service := auth{verify: func(context.Context, *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
				return &gatehousev1.VerifyTokenResponse{}, test.answer
			}}
			both(t, service, func(t *testing.T, conn grpc.ClientConnInterface) {
				ctx := t.Context()
				if test.prepare != nil {
					ctx = test.prepare(ctx)
				}
				_, err := gatehousev1.NewAuthServiceClient(conn).VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{})
				if status.Code(err) != test.want {
					t.Errorf("%v, want %v", err, test.want)
				}
			})
		})
	}
}

func canceled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func TestUnknownMethodsAreUnimplemented(t *testing.T) {
	both(t, auth{}, func(t *testing.T, conn grpc.ClientConnInterface) {
		for _, name := range []string{"/gatehouse.v1.AuthService/Nothing", "/nobody/Nothing", "/", ""} {
			err := conn.Invoke(t.Context(), name, &gatehousev1.VerifyTokenRequest{}, &gatehousev1.VerifyTokenResponse{})
			if err == nil {
				t.Errorf("%q was answered", name)
			}
		}
		err := conn.Invoke(t.Context(), "/gatehouse.v1.AuthService/Nothing",
			&gatehousev1.VerifyTokenRequest{}, &gatehousev1.VerifyTokenResponse{})
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("err = %v", err)
		}
	})
}

// What a service does with its messages, the caller does not see, and the other way round.
func TestMessagesAreCopied(t *testing.T) {
	shared := &gatehousev1.VerifyTokenResponse{Active: true, Scopes: []string{"mcp"}}
	service := auth{verify: func(_ context.Context, request *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		request.RequiredScopes[0] = "changed"
		return shared, nil
	}}
	both(t, service, func(t *testing.T, conn grpc.ClientConnInterface) {
		request := &gatehousev1.VerifyTokenRequest{RequiredScopes: []string{"mcp"}}
		response := &gatehousev1.VerifyTokenResponse{ClientId: "left from before"}
		err := conn.Invoke(t.Context(), gatehousev1.AuthService_VerifyToken_FullMethodName, request, response)
		if err != nil {
			t.Fatal(err)
		}
		if request.RequiredScopes[0] != "mcp" {
			t.Error("the service changed the caller's request")
		}
		if response.ClientId != "" || !response.Active {
			t.Errorf("the answer is %v", response)
		}
		response.Scopes[0] = "changed"
		if shared.Scopes[0] != "mcp" {
			t.Error("the caller changed the service's answer")
		}
	})
}

func TestMissingMessagesAreTold(t *testing.T) {
	channel := inprocess.NewChannel(porter{})
	register(channel, auth{verify: func(context.Context, *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		return nil, nil
	}})
	client := gatehousev1.NewAuthServiceClient(channel)
	for name, request := range map[string]*gatehousev1.VerifyTokenRequest{"no request": nil, "no answer": {}} {
		if _, err := client.VerifyToken(t.Context(), request); status.Code(err) != codes.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStreamsPassTheInterceptor(t *testing.T) {
	both(t, auth{}, func(t *testing.T, conn grpc.ClientConnInterface) {
		for name, test := range map[string]struct {
			md   metadata.MD
			want codes.Code
		}{"good": {nil, codes.OK}, "bad": {metadata.Pairs("bad", "1"), codes.PermissionDenied}} {
			ctx := metadata.NewOutgoingContext(t.Context(), test.md)
			stream, err := grpc_health_v1.NewHealthClient(conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
			if err == nil {
				_, err = stream.Recv()
			}
			if status.Code(err) != test.want {
				t.Errorf("%s: %v, want %v", name, err, test.want)
			}
		}
	})
}
