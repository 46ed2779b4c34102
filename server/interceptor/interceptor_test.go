package interceptor_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/interceptor"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/service"
)

const adminToken = "gha_an-admin-token-for-this-test-only"

// auth answers VerifyToken with what a test sets.
type auth struct {
	gatehousev1.UnimplementedAuthServiceServer
	verify func(context.Context) error
}

func (a auth) VerifyToken(ctx context.Context, _ *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
	return &gatehousev1.VerifyTokenResponse{Active: true}, a.verify(ctx)
}

func newChain(t *testing.T, gate interceptor.Gate, logs *strings.Builder) interceptor.Chain {
	t.Helper()
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	return interceptor.NewChain(interceptor.Deps{
		Logger:    slog.New(slog.NewTextHandler(logs, nil)),
		Validator: validator,
		Status:    service.Status,
	}, gate)
}

// serve starts a server behind a gate and returns a connection to it.
func serve(t *testing.T, gate interceptor.Gate, logs *strings.Builder, verify func(context.Context) error) (*grpc.Server, *grpc.ClientConn) {
	t.Helper()
	chain := newChain(t, gate, logs)
	server := grpc.NewServer(grpc.UnaryInterceptor(chain.Unary), grpc.StreamInterceptor(chain.Stream))
	gatehousev1.RegisterAuthServiceServer(server, auth{verify: verify})
	gatehousev1.RegisterAdminServiceServer(server, gatehousev1.UnimplementedAdminServiceServer{})
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	reflection.Register(server)
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
	return server, conn
}

func good(context.Context) error { return nil }

func TestTableNamesEveryRegisteredMethodAndNoOther(t *testing.T) {
	table := interceptor.NewTable()
	server, _ := serve(t, interceptor.InProcessGate(table), new(strings.Builder), good)
	registered := make(map[string]bool)
	for name, info := range server.GetServiceInfo() {
		for _, method := range info.Methods {
			registered["/"+name+"/"+method.Name] = true
		}
	}
	for method := range registered {
		if table[method] == interceptor.Closed {
			t.Errorf("%s is not in the table", method)
		}
	}
	for _, method := range table.Methods() {
		if !registered[method] {
			t.Errorf("%s is in the table and does not exist", method)
		}
	}
}

func TestOnlyLocalMethodsAreOpenAndOnlyOnLoopback(t *testing.T) {
	table := interceptor.NewTable()
	for _, loopback := range []bool{true, false} {
		gate := interceptor.ListenerGate(table, secret.NewText(adminToken), loopback)
		_, conn := serve(t, gate, new(strings.Builder), good)
		for _, method := range table.Methods() {
			if strings.Contains(method, "reflection") || strings.HasSuffix(method, "Watch") {
				continue // streams, below
			}
			open := loopback && table[method] == interceptor.Local
			for name, test := range map[string]struct {
				header  []string
				refused bool
			}{
				"nothing":      {nil, !open},
				"wrong token":  {[]string{"Bearer " + adminToken + "x"}, !open},
				"basic":        {[]string{"Basic " + adminToken}, !open},
				"the token":    {[]string{"Bearer " + adminToken}, false},
				"beside Basic": {[]string{"Basic YTpi", "bearer " + adminToken}, false},
			} {
				ctx := metadata.NewOutgoingContext(t.Context(), metadata.MD{"authorization": test.header})
				err := conn.Invoke(ctx, method, &gatehousev1.GetKeySetRequest{}, &gatehousev1.GetKeySetResponse{})
				if refused := status.Code(err) == codes.Unauthenticated; refused != test.refused {
					t.Errorf("loopback=%t %s with %s: %v", loopback, method, name, err)
				}
			}
		}
	}
}

func TestStreamsPassTheGateToo(t *testing.T) {
	gate := interceptor.ListenerGate(interceptor.NewTable(), secret.NewText(adminToken), false)
	_, conn := serve(t, gate, new(strings.Builder), good)
	stream, err := grpc_health_v1.NewHealthClient(conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("err = %v", err)
	}
}

func TestStrangersCannotTakeEveryStream(t *testing.T) {
	gate := interceptor.ListenerGate(interceptor.NewTable(), secret.NewText(adminToken), true)
	_, conn := serve(t, gate, new(strings.Builder), good)
	open := func(ctx context.Context, bearer string) error {
		if bearer != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+bearer)
		}
		stream, err := grpc_health_v1.NewHealthClient(conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	one, leave := context.WithCancel(t.Context())
	defer leave()
	if err := open(one, ""); err != nil {
		t.Fatal(err)
	}
	for range 63 {
		if err := open(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	for name, bearer := range map[string]string{"nothing": "", "a wrong token": adminToken + "x"} {
		if err := open(t.Context(), bearer); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "admin token") {
			t.Errorf("one more with %s: %v", name, err)
		}
	}
	for range 65 {
		if err := open(t.Context(), adminToken); err != nil {
			t.Fatalf("an edge: %v", err)
		}
	}
	leave()
	for open(t.Context(), "") != nil { // the server hears of it in a moment
		if t.Context().Err() != nil {
			t.Fatal("a place that was left stays taken")
		}
	}
}

// An edge in another process presents the admin token with every call of anybody.
func TestTheAdminTokenOfAnEdgeIsNotItsClients(t *testing.T) {
	for name, test := range map[string]struct{ sent, left []string }{
		"an edge alone":           {[]string{"Bearer " + adminToken}, nil},
		"an edge for a client":    {[]string{"Bearer " + adminToken, "Basic YTpi"}, []string{"Basic YTpi"}},
		"an edge for an operator": {[]string{"Bearer " + adminToken, "Bearer " + adminToken}, []string{"Bearer " + adminToken}},
	} {
		gate := interceptor.ListenerGate(interceptor.NewTable(), secret.NewText(adminToken), false)
		var left []string
		_, conn := serve(t, gate, new(strings.Builder), func(ctx context.Context) error {
			left = metadata.ValueFromIncomingContext(ctx, "authorization")
			return nil
		})
		ctx := metadata.NewOutgoingContext(t.Context(), metadata.MD{"authorization": test.sent})
		_, err := gatehousev1.NewAuthServiceClient(conn).VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{Resource: "r"})
		if err != nil || !slices.Equal(left, test.left) {
			t.Errorf("%s: left %q, %v", name, left, err)
		}
	}
}

func TestSpellingsOfAMethodOpenNothing(t *testing.T) {
	gate := interceptor.ListenerGate(interceptor.NewTable(), secret.NewText(adminToken), true)
	_, conn := serve(t, gate, new(strings.Builder), good)
	for _, method := range []string{
		"/gatehouse.v1.AuthService/verifytoken", "//gatehouse.v1.AuthService/VerifyToken",
		"/gatehouse.v1.AdminService/ListClients/", "/gatehouse.v1.AuthService/VerifyToken/../../ListClients",
	} {
		err := conn.Invoke(t.Context(), method, &gatehousev1.VerifyTokenRequest{}, &gatehousev1.VerifyTokenResponse{})
		if status.Code(err) != codes.Unimplemented && status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestFailuresTellTheCallerNothingInternal(t *testing.T) {
	const canary = "SELECT * FROM canary"
	for name, test := range map[string]struct {
		fail  func(context.Context) error
		want  codes.Code
		level string
	}{
		"a bug":     {func(context.Context) error { return errors.New(canary) }, codes.Internal, "ERROR"},
		"a panic":   {func(context.Context) error { panic(canary) }, codes.Internal, "ERROR"},
		"an outage": {func(context.Context) error { return oauth.Unavailable(errors.New(canary)) }, codes.Unavailable, "WARN"},
	} {
		t.Run(name, func(t *testing.T) {
			logs := new(strings.Builder)
			_, conn := serve(t, interceptor.InProcessGate(interceptor.NewTable()), logs, test.fail)
			ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "request-1")
			_, err := gatehousev1.NewAuthServiceClient(conn).VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{Resource: "r"})
			if status.Code(err) != test.want || strings.Contains(err.Error(), canary) {
				t.Errorf("err = %v", err)
			}
			if log := logs.String(); strings.Count(log, canary) == 0 || !strings.Contains(log, "request-1") ||
				!strings.Contains(log, "level="+test.level) {
				t.Errorf("log = %s", log)
			}
		})
	}
}

func TestACallerWhoGoesAwayIsNoFault(t *testing.T) {
	logs := new(strings.Builder)
	chain := newChain(t, interceptor.InProcessGate(interceptor.NewTable()), logs)
	ctx, goAway := context.WithCancel(t.Context())
	info := &grpc.UnaryServerInfo{FullMethod: gatehousev1.AuthService_VerifyToken_FullMethodName}
	_, err := chain.Unary(ctx, &gatehousev1.VerifyTokenRequest{Resource: "r"}, info, func(ctx context.Context, _ any) (any, error) {
		goAway()
		return nil, oauth.Unavailable(ctx.Err())
	})
	if log := logs.String(); err == nil || !strings.Contains(log, "level=INFO") {
		t.Errorf("err = %v, log = %s", err, log)
	}
}

func TestBrokenRulesAreNamedBeforeTheHandlerRuns(t *testing.T) {
	called := false
	_, conn := serve(t, interceptor.InProcessGate(interceptor.NewTable()), new(strings.Builder),
		func(context.Context) error { called = true; return nil })
	_, err := gatehousev1.NewAuthServiceClient(conn).VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{})
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "resource") || called {
		t.Errorf("err = %v, called = %t", err, called)
	}
}

func TestStreamsObeyTheRulesToo(t *testing.T) {
	_, conn := serve(t, interceptor.InProcessGate(interceptor.NewTable()), new(strings.Builder), good)
	for after, want := range map[int64]codes.Code{-1: codes.InvalidArgument, 0: codes.Unimplemented} {
		stream, err := gatehousev1.NewAuthServiceClient(conn).WatchRevocations(t.Context(),
			&gatehousev1.WatchRevocationsRequest{After: after})
		if err == nil {
			_, err = stream.Recv()
		}
		if status.Code(err) != want {
			t.Errorf("after %d: %v, want %v", after, err, want)
		}
	}
}

func TestEveryCallHasADeadline(t *testing.T) {
	bounded := false
	_, conn := serve(t, interceptor.InProcessGate(interceptor.NewTable()), new(strings.Builder),
		func(ctx context.Context) error { _, bounded = ctx.Deadline(); return nil })
	_, err := gatehousev1.NewAuthServiceClient(conn).VerifyToken(context.WithoutCancel(t.Context()), &gatehousev1.VerifyTokenRequest{Resource: "r"})
	if err != nil || !bounded {
		t.Errorf("err = %v, bounded = %t", err, bounded)
	}
}
