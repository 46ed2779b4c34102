package requestlog_test

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
)

func TestCallsCarryTheIdentifierOfTheirRequest(t *testing.T) {
	for _, tc := range []struct {
		name string
		ctx  context.Context
		want []string
	}{
		{"outside of a request", t.Context(), nil},
		{"inside", requestlog.WithID(t.Context(), "a1"), []string{"a1"}},
		{
			"with metadata of others",
			metadata.AppendToOutgoingContext(requestlog.WithID(t.Context(), "a1"), "authorization", "x", "x-request-id", "forged"),
			[]string{"a1"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var sent metadata.MD
			invoker := func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
				sent, _ = metadata.FromOutgoingContext(ctx)
				return nil
			}
			if err := requestlog.UnaryClientInterceptor(tc.ctx, "/m", nil, nil, nil, invoker); err != nil {
				t.Fatal(err)
			}
			if got := sent.Get(requestlog.MetadataKey); !slices.Equal(got, tc.want) {
				t.Errorf("x-request-id = %v, want %v", got, tc.want)
			}
		})
	}
}
