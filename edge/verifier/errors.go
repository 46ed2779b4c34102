package verifier

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// defaultRetryAfter is what a client is told when the core did not say how long it will be away.
const defaultRetryAfter = 2 * time.Second

var (
	// ErrNoCredentials means that a request carries no bearer token at all, or credentials of another scheme.
	ErrNoCredentials = errors.New("verifier: no bearer token in the request")
	// ErrRepeatedCredentials means that a request has more than one Authorization header. Two readers could take two
	// different ones, so none is taken (RFC 6750 section 3.1, invalid_request).
	ErrRepeatedCredentials = errors.New("verifier: more than one Authorization header in the request")
)

// Inactive means that the token is not good, and that only a new one will help.
type Inactive struct {
	// Reason is for logs and operators. Clients are told invalid_token, whatever it is (RFC 6750 section 3.1).
	Reason gatehousev1.InactiveReason
}

// Error names the reason.
func (e *Inactive) Error() string {
	return fmt.Sprintf("verifier: the token is not active: %s", e.Reason)
}

// InsufficientScope means that the token is good but carries too little.
type InsufficientScope struct {
	// Required are all scopes that are needed, whether the token has some of them or not.
	Required []string
}

// Error names the scopes.
func (e *InsufficientScope) Error() string {
	return fmt.Sprintf("verifier: the token lacks a scope of %q", strings.Join(e.Required, " "))
}

// Unavailable means that nobody could say whether the token is good. It is an outage and not a verdict.
type Unavailable struct {
	// RetryAfter is how long to wait before asking again. It is never zero.
	RetryAfter time.Duration
	cause      error
}

// Error includes the cause, for logs.
func (e *Unavailable) Error() string {
	return fmt.Sprintf("verifier: the token could not be verified: %v", e.cause)
}

// Unwrap returns the cause: usually a gRPC status, or the error of the caller's context.
func (e *Unavailable) Unwrap() error { return e.cause }

// unavailable wraps whatever kept the core from answering. No status code of the core is a verdict on the token, not
// even PermissionDenied: that one would say that this program may not ask.
func unavailable(cause error) *Unavailable {
	return &Unavailable{RetryAfter: retryAfter(cause), cause: cause}
}

// retryAfter reads google.rpc.RetryInfo from the details of a status.
func retryAfter(err error) time.Duration {
	s, ok := status.FromError(err)
	if !ok {
		return defaultRetryAfter
	}
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok && info.GetRetryDelay().AsDuration() > 0 {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return defaultRetryAfter
}
