package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	"github.com/gatehouse-auth/gatehouse/edge/verifier/verifiertest"
)

// A server behind Gatehouse puts the middleware in front of its handlers. The client is
// gatehousev1.NewAuthServiceClient(conn) in a real program.
func ExampleVerifier_Middleware() {
	core := verifiertest.NewClient(clock)
	core.Issue("the-token-of-ada", ada())

	tokens := verifier.New(core, config(), verifier.WithClock(clock))
	handler := tokens.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := verifier.PrincipalFrom(r.Context())
		fmt.Fprintf(w, "Hello, %s.", caller.Identity().GivenName)
	}))

	r := httptest.NewRequest(http.MethodGet, "/mcp", nil)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code)

	r.Header.Set("Authorization", "Bearer the-token-of-ada")
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401
	// 200 Hello, Ada.
}

// The three ways to fail want three answers.
func ExampleVerifier_Verify() {
	tokens := verifier.New(verifiertest.NewClient(clock), config())

	_, err := tokens.Verify(context.Background(), "a token of somebody else")
	if inactive, ok := errors.AsType[*verifier.Inactive](err); ok {
		fmt.Println("log in again:", inactive.Reason)
	}
	if scope, ok := errors.AsType[*verifier.InsufficientScope](err); ok {
		fmt.Println("ask for:", scope.Required)
	}
	if outage, ok := errors.AsType[*verifier.Unavailable](err); ok {
		fmt.Println("try again in", outage.RetryAfter)
	}
	// Output: log in again: INACTIVE_REASON_MALFORMED
}
