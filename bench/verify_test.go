package bench

import (
	"context"
	"net"
	"strconv"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/interceptor"
)

// BenchmarkVerifyToken asks about a token that is remembered, over TCP. The limit is a server without interceptors that
// gives the same answer to the same question unread.
func BenchmarkVerifyToken(b *testing.B) {
	core := openCore(b)
	chain := core.Chain(interceptor.ListenerGate(interceptor.NewTable(), core.AdminToken, true))
	gatehouse := dial(b, core.Register, grpc.UnaryInterceptor(chain.Unary), grpc.StreamInterceptor(chain.Stream))
	question := &gatehousev1.VerifyTokenRequest{Token: core.login(b), Resource: resource, RequiredScopes: []string{"mcp"}}
	answer, err := gatehouse.VerifyToken(b.Context(), question)
	if err != nil || !answer.GetActive() {
		b.Fatal(answer, err)
	}
	limit := dial(b, func(r grpc.ServiceRegistrar) { gatehousev1.RegisterAuthServiceServer(r, parrot{answer: answer}) })
	ask := func(client gatehousev1.AuthServiceClient) func(int) error {
		return func(int) error {
			_, err := client.VerifyToken(b.Context(), question)
			return err
		}
	}
	for _, callers := range []int{1, 64} {
		b.Run("callers="+strconv.Itoa(callers), func(b *testing.B) {
			duel(b, repeat(callers, ask(limit)), repeat(callers, ask(gatehouse)))
		})
	}
}

// parrot always says the same.
type parrot struct {
	gatehousev1.UnimplementedAuthServiceServer
	answer *gatehousev1.VerifyTokenResponse
}

func (p parrot) VerifyToken(context.Context, *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
	return p.answer, nil
}

// dial serves on loopback and connects.
func dial(b *testing.B, register func(grpc.ServiceRegistrar), options ...grpc.ServerOption) gatehousev1.AuthServiceClient {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := grpc.NewServer(options...)
	register(server)
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(server.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return gatehousev1.NewAuthServiceClient(conn)
}
