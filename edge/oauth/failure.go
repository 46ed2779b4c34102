package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-auth/gatehouse/edge/coreerror"
	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
)

// retryDefault is when to try again after an outage that does not say so.
const retryDefault = 2 * time.Second

// Error codes that this package decides about (RFC 6749 section 5.2, RFC 7591 section 3.2.2). The last two are its own.
const (
	codeInvalidRequest  = "invalid_request"
	codeInvalidClient   = "invalid_client"
	codeInvalidMetadata = "invalid_client_metadata"
	codeServerError     = "server_error"
	codeUnavailable     = "temporarily_unavailable"
	codeNotFound        = "not_found"
	codeTooMany         = "too_many_requests"
)

// failure is an answer that says what is wrong, in the form of RFC 6749 section 5.2.
type failure struct {
	status      int
	code        string
	description string
	retryAfter  time.Duration
	allow       string
	// authenticate is the challenge, for a client that has tried to authenticate.
	authenticate string
}

// Error returns the code and the description.
func (f *failure) Error() string { return f.code + ": " + f.description }

func invalidRequest(description string) *failure {
	return &failure{status: http.StatusBadRequest, code: codeInvalidRequest, description: description}
}

func unsupportedMedia(description string) *failure {
	return &failure{status: http.StatusUnsupportedMediaType, code: codeInvalidRequest, description: description}
}

func methodNotAllowed(allow string) *failure {
	return &failure{
		status: http.StatusMethodNotAllowed, code: codeInvalidRequest, allow: allow,
		description: "The endpoint does not have this method.",
	}
}

func tooManyRequests(wait time.Duration) *failure {
	return &failure{
		status: http.StatusTooManyRequests, code: codeTooMany, retryAfter: wait,
		description: "There were too many requests. Try again later.",
	}
}

func notFound() *failure {
	return &failure{status: http.StatusNotFound, code: codeNotFound, description: "There is nothing here."}
}

// challenge adds the challenge that a refused client is owed when it used the Authorization header (RFC 6749 section
// 5.2, RFC 7662 section 2.3). Others would only make a browser ask for a password.
func (f *failure) challenge(r *http.Request) *failure {
	used := r.Header.Get("Authorization")
	scheme, _, _ := strings.Cut(used, " ")
	switch {
	case f.status != http.StatusUnauthorized, used == "":
	case r.URL.Path == pathIntrospect && strings.EqualFold(scheme, "Bearer"):
		f.authenticate = `Bearer realm="introspection endpoint", error="invalid_token"`
	default:
		f.authenticate = `Basic realm="token endpoint", charset="UTF-8"`
	}
	return f
}

// write sends the answer. It is never kept by a cache.
func (f *failure) write(w http.ResponseWriter) {
	h := w.Header()
	noStore(h)
	h.Set("Content-Type", mediaJSON)
	if f.allow != "" {
		h.Set("Allow", f.allow)
	}
	if f.authenticate != "" {
		h.Set("WWW-Authenticate", f.authenticate)
	}
	if f.retryAfter > 0 {
		seconds := (f.retryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	body, _ := json.Marshal(map[string]string{"error": f.code, "error_description": describe(f.description)})
	w.WriteHeader(f.status)
	w.Write(body)
}

// failureOf translates an error of the core. Known is false for one that is no verdict: its text stays here, and the
// answer carries only the identifier of the request.
func failureOf(ctx context.Context, err error, document bool) (f *failure, known bool) {
	st := status.Convert(err)
	reason, retryAfter := coreerror.Details(st)
	if document && (st.Code() == codes.NotFound || st.Code() == codes.InvalidArgument) {
		return notFound(), true // a path that the core refuses names no document, whatever is wrong with it
	}
	httpStatus := statusOf(reason, st.Code())
	if reason == "" || httpStatus == http.StatusInternalServerError {
		f = noVerdict(st.Code(), requestlog.ID(ctx))
	} else {
		f = &failure{status: httpStatus, code: reason, description: st.Message()}
	}
	if f.status == http.StatusServiceUnavailable || f.status == http.StatusTooManyRequests {
		f.retryAfter = cmp.Or(max(retryAfter, 0), retryDefault)
	}
	return f, reason != ""
}

// statusOf returns the HTTP status of a verdict.
func statusOf(reason string, code codes.Code) int {
	if reason == codeInvalidClient {
		return http.StatusUnauthorized
	}
	switch code {
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.NotFound:
		return http.StatusNotFound
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Unavailable, codes.DeadlineExceeded:
		return http.StatusServiceUnavailable
	case codes.Internal, codes.Unknown, codes.DataLoss, codes.Unimplemented:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

// noVerdict is the answer to an error whose text is not for clients. What may pass by itself is an outage and not a
// fault of the client, who must keep its tokens.
func noVerdict(code codes.Code, reference string) *failure {
	switch code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted, codes.Aborted:
		return &failure{
			status: http.StatusServiceUnavailable, code: codeUnavailable,
			description: "The server cannot answer at the moment. Try again.",
		}
	case codes.InvalidArgument:
		return invalidRequest("A parameter is malformed or too long. Reference: " + reference)
	default:
		return &failure{
			status: http.StatusInternalServerError, code: codeServerError,
			description: "The server failed. Reference: " + reference,
		}
	}
}

// level is how loud the log is about a failure without a verdict. Anybody can send what the contract does not allow, and an
// outage is no fault of this server.
func (f *failure) level() slog.Level {
	switch {
	case f.status < http.StatusInternalServerError:
		return slog.LevelInfo
	case f.status == http.StatusServiceUnavailable:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}

// describe returns text in the characters that error_description may have (RFC 6749 section 5.2).
func describe(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"':
			return '\''
		case c == '\\', c < ' ', c > '~':
			return '?'
		}
		return c
	}, text)
}

// isPrintable tells whether s is ASCII without control characters, which is all that gRPC metadata can carry.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}
