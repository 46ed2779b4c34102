// Package coreerror reads what the core attaches to its errors, which is part of the contract between core and edge.
package coreerror

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// domain marks the reasons that are the core's verdicts about a request, and safe to show.
const domain = "oauth"

// Details returns the OAuth error code of a status and when to try again, empty and zero when it does not say.
func Details(st *status.Status) (reason string, retryAfter time.Duration) {
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == domain {
				reason = detail.GetReason()
			}
		case *errdetails.RetryInfo:
			retryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	return reason, retryAfter
}
