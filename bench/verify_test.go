package bench

import (
	"fmt"
	"testing"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// benchmarkVerifyToken asks about a token that is remembered, over TCP, as an edge in another process does. The limit is
// the same exchange of messages with a server that does nothing.
func benchmarkVerifyToken(b *testing.B, path string) {
	g := start(b, path)
	question := &gatehousev1.VerifyTokenRequest{
		Token: register(b, g.operator(b)).login(b, signIn), Resource: g.resource(), RequiredScopes: []string{"mcp"},
	}
	gatehouse := dial(b, g.grpc)
	answer, err := gatehouse.VerifyToken(b.Context(), question)
	if err != nil || !answer.GetActive() {
		b.Fatal(answer, err)
	}
	limit := dial(b, startLimits(b, g, answer).grpc)
	ask := func(core gatehousev1.AuthServiceClient) func(int) error {
		return func(int) error {
			_, err := core.VerifyToken(b.Context(), question)
			return err
		}
	}
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			duel(b, repeat(callers, ask(limit)), repeat(callers, ask(gatehouse)))
		})
	}
}
