package inprocess_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/inprocess"
)

// verify is a handler.
type verify func(context.Context, *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error)

type service struct {
	gatehousev1.UnimplementedAuthServiceServer
	verify verify
}

func (s service) VerifyToken(ctx context.Context, r *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
	return s.verify(ctx, r)
}

// pass is an interceptor that does nothing.
func pass(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	return handler(ctx, req)
}

func connect(interceptor grpc.UnaryServerInterceptor, verify verify) gatehousev1.AuthServiceClient {
	channel := inprocess.NewChannel(interceptor)
	gatehousev1.RegisterAuthServiceServer(channel, service{verify: verify})
	return gatehousev1.NewAuthServiceClient(channel)
}

func answer() *gatehousev1.VerifyTokenResponse {
	return &gatehousev1.VerifyTokenResponse{
		Active: true, Subject: "user", ClientId: "client", Scopes: []string{"mcp"},
		ExpireTime: timestamppb.New(time.Unix(1_800_000_000, 0)),
		Identity:   &gatehousev1.Identity{Name: "Ada Lovelace", Groups: []string{"staff"}},
	}
}

func TestCallCarriesRequestMetadataAndAnswer(t *testing.T) {
	core := connect(pass, func(ctx context.Context, r *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		if r.GetToken() != "t" || r.GetResource() != "r" {
			t.Errorf("request = %v", r)
		}
		if got := metadata.ValueFromIncomingContext(ctx, "x-request-id"); !slices.Equal(got, []string{"1"}) {
			t.Errorf("metadata = %v", got)
		}
		return answer(), nil
	})
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "1")
	got, err := core.VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{Token: "t", Resource: "r"})
	if err != nil || !proto.Equal(got, answer()) {
		t.Errorf("answer = %v, %v", got, err)
	}
}

func TestMetadataOfTheCallersOwnCallerDoesNotCross(t *testing.T) {
	core := connect(pass, func(ctx context.Context, _ *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		if md, _ := metadata.FromIncomingContext(ctx); md.Len() != 0 {
			t.Errorf("metadata = %v", md)
		}
		return answer(), nil
	})
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer somebody-elses"))
	if _, err := core.VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{}); err != nil {
		t.Error(err)
	}
}

func TestNeitherSideCanChangeWhatTheOtherHolds(t *testing.T) {
	held := answer()
	core := connect(pass, func(_ context.Context, r *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		r.Resource, r.RequiredScopes[0] = "changed", "changed"
		return held, nil
	})
	request := &gatehousev1.VerifyTokenRequest{Resource: "r", RequiredScopes: []string{"mcp"}}
	got, err := core.VerifyToken(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	got.Scopes[0], got.Identity.Name, got.ExpireTime.Seconds = "changed", "changed", 0
	if request.GetResource() != "r" || request.GetRequiredScopes()[0] != "mcp" || !proto.Equal(held, answer()) {
		t.Errorf("request = %v, answer = %v", request, held)
	}
}

func TestInterceptorStandsBeforeTheHandler(t *testing.T) {
	refuse := func(_ context.Context, _ any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
		return nil, status.Error(codes.Unauthenticated, info.FullMethod)
	}
	core := connect(refuse, func(context.Context, *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		t.Error("the handler ran")
		return nil, nil
	})
	_, err := core.VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{})
	if got := status.Convert(err); got.Code() != codes.Unauthenticated || got.Message() != gatehousev1.AuthService_VerifyToken_FullMethodName {
		t.Errorf("err = %v", err)
	}
}

func TestErrorsAreTheStatusesOfAWire(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want codes.Code
	}{
		"a status":          {status.Error(codes.NotFound, "gone"), codes.NotFound},
		"the end of a time": {context.DeadlineExceeded, codes.DeadlineExceeded},
		"a caller who left": {context.Canceled, codes.Canceled},
		"anything else":     {errors.New("a bug"), codes.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			core := connect(pass, func(context.Context, *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
				return nil, test.err
			})
			_, err := core.VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{})
			if _, ok := status.FromError(err); !ok || status.Code(err) != test.want {
				t.Errorf("err = %v, want %s", err, test.want)
			}
		})
	}
}

func TestHandlerHasTheDeadlineOfItsCaller(t *testing.T) {
	want := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), want)
	defer cancel()
	core := connect(pass, func(ctx context.Context, _ *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		if got, ok := ctx.Deadline(); !ok || !got.Equal(want) {
			t.Errorf("deadline = %s, %t", got, ok)
		}
		cancel()
		return nil, ctx.Err()
	})
	if _, err := core.VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{}); status.Code(err) != codes.Canceled {
		t.Errorf("err = %v", err)
	}
	if _, err := core.VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{}); status.Code(err) != codes.Canceled {
		t.Errorf("a call of a caller who had left: %v", err)
	}
}

func TestWhatIsNotRegisteredIsUnimplemented(t *testing.T) {
	channel := inprocess.NewChannel(pass)
	gatehousev1.RegisterAuthServiceServer(channel, service{})
	for _, name := range []string{"", "VerifyToken", "/gatehouse.v1.AdminService/ListClients", "/gatehouse.v1.AuthService/verifytoken"} {
		err := channel.Invoke(t.Context(), name, &gatehousev1.VerifyTokenRequest{}, &gatehousev1.VerifyTokenResponse{})
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := channel.NewStream(t.Context(), nil, "/gatehouse.v1.AuthService/VerifyToken"); status.Code(err) != codes.Unimplemented {
		t.Errorf("a stream: %v", err)
	}
}

func TestServiceRegistersOnce(t *testing.T) {
	channel := inprocess.NewChannel(pass)
	gatehousev1.RegisterAuthServiceServer(channel, service{})
	defer func() {
		if recover() == nil {
			t.Error("registered twice")
		}
	}()
	gatehousev1.RegisterAuthServiceServer(channel, service{})
}

func BenchmarkInvoke(b *testing.B) {
	held := answer()
	core := connect(pass, func(context.Context, *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
		return held, nil
	})
	request := &gatehousev1.VerifyTokenRequest{Token: string(make([]byte, 700)), Resource: "https://mcp.example.com/mcp"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := core.VerifyToken(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}
