package page

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-auth/gatehouse/edge/coreerror"
	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
)

const (
	// callTimeout bounds one call of the core. The callback's call waits for the identity provider.
	callTimeout = 30 * time.Second
	// defaultRetry is what an outage suggests when the core names no time.
	defaultRetry = 2 * time.Second
)

// Faults of the core's answers.
var (
	errNoOutcome = errors.New("page: the core answered without an outcome")
	errRedirect  = errors.New("page: the core answered with a redirect that no browser may follow")
)

// callContext returns the context of a call to the core.
func callContext(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), callTimeout)
}

// errorView is an error page.
type errorView struct {
	problem

	// Reference is the identifier of the request, under which its log line is found.
	Reference string
}

// Error answers with the error page of an HTTP status. It is for every room of the edge that answers browsers, and sets
// all headers itself. A Retry-After header that the caller has set stays.
func (p *Pages) Error(w http.ResponseWriter, r *http.Request, status int) {
	p.fail(w, r, statusProblem(status))
}

// fail answers with an error page.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, pr problem) {
	p.setHeaders(w.Header())
	p.render(w, r, pr.Status, document{
		view:  "error",
		Title: pr.Title,
		Body:  errorView{problem: pr, Reference: requestlog.ID(r.Context())},
	})
}

// fault records a failure of this server and answers with status 500.
func (p *Pages) fault(w http.ResponseWriter, r *http.Request, err error) {
	p.logger.ErrorContext(r.Context(), "page failed", "error", err, "request_id", requestlog.ID(r.Context()))
	p.Error(w, r, http.StatusInternalServerError)
}

// failCall answers for a call of the core that failed.
func (p *Pages) failCall(w http.ResponseWriter, r *http.Request, err error) {
	pr, retry := problemOf(err)
	if retry > 0 {
		w.Header().Set("Retry-After", retryAfter(retry))
	}
	if pr.Status >= http.StatusInternalServerError {
		p.logger.ErrorContext(r.Context(), "core did not answer a page",
			"code", status.Code(err).String(), "error", err, "request_id", requestlog.ID(r.Context()))
	}
	p.fail(w, r, pr)
}

// retryAfter returns a time to wait in whole seconds (RFC 9110 section 10.2.3). None is too short.
func retryAfter(wait time.Duration) string { return strconv.Itoa(int(math.Ceil(wait.Seconds()))) }

// problemOf maps an error of the core to what a browser is told, and to the time after which trying again may help. The
// reason decides where there is one; the gRPC code decides for the rest.
func problemOf(err error) (problem, time.Duration) {
	st := status.Convert(err)
	reason, retry := coreerror.Details(st)
	switch reason {
	case "invalid_client", "invalid_redirect_uri":
		return unknownClientProblem(), 0
	case "transaction_expired":
		return expiredProblem(), 0
	case "transaction_used":
		return usedProblem(), 0
	case "transaction_failed":
		return unfinishedProblem(), 0
	case "wrong_browser":
		return wrongBrowserProblem(), 0
	case "untrusted_provider":
		return untrustedProblem(), 0
	case "access_denied":
		return deniedProblem(), 0
	}
	switch st.Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Aborted:
		return unavailableProblem(), max(retry, defaultRetry)
	case codes.ResourceExhausted:
		return statusProblem(http.StatusTooManyRequests), max(retry, defaultRetry)
	case codes.InvalidArgument, codes.OutOfRange, codes.FailedPrecondition:
		return statusProblem(http.StatusBadRequest), 0
	case codes.NotFound:
		return expiredProblem(), 0
	case codes.PermissionDenied:
		return statusProblem(http.StatusForbidden), 0
	default:
		return statusProblem(http.StatusInternalServerError), 0
	}
}

// reasonOf returns the reason of an error of the core, and an empty string when there is none.
func reasonOf(err error) string {
	reason, _ := coreerror.Details(status.Convert(err))
	return reason
}

// isSessionOver reports whether the core does not know the session of the account page.
func isSessionOver(err error) bool { return reasonOf(err) == "session_expired" }

// statusOfError returns the status of the page that shows an OAuth error to the visitor.
func statusOfError(code string) int {
	switch code {
	case "access_denied":
		return http.StatusForbidden
	case "temporarily_unavailable":
		return http.StatusServiceUnavailable
	case "server_error":
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}
