package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Kind says what a failure means for the login or the grant that needed the provider.
type Kind string

// Kinds of failure.
const (
	// KindInvalidGrant is a well-formed refusal of the code or the refresh token. With KindAnotherSubject, only this
	// ends a grant.
	KindInvalidGrant Kind = "invalid_grant"
	// KindMisconfigured means that the provider does not know us, or is not who we think: the operator must act.
	KindMisconfigured Kind = "misconfigured"
	// KindRejected is any other refusal.
	KindRejected Kind = "rejected"
	// KindUnavailable means that the provider could not answer: 429, 5xx, timeout, network, TLS, DNS.
	KindUnavailable Kind = "unavailable"
	// KindGarbage is an answer that makes no sense. A refresh token that was presented may be spent.
	KindGarbage Kind = "garbage"
	// KindInvalidToken means that an ID token, an access token or the issuer of a callback failed verification.
	KindInvalidToken Kind = "invalid_token"
	// KindAnotherSubject means that a renewal was answered with verified tokens of somebody else. It ends a grant, too.
	KindAnotherSubject Kind = "another_subject"
	// KindNotHeld means that stored tokens no longer hold.
	KindNotHeld Kind = "not_held"
)

// MaxRetryAfter caps what a provider can make us promise to our own clients.
const MaxRetryAfter = 5 * time.Minute

// Error is a failure on the provider side. Its text is for the log; it never quotes a body or a token.
type Error struct {
	Kind Kind
	// RetryAfter says when to try again, MaxRetryAfter at most; zero when the provider did not say.
	RetryAfter time.Duration
	cause      error
}

// newError formats a private cause.
func newError(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, cause: fmt.Errorf(format, args...)}
}

// Error returns kind and cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("upstream: %s", e.Kind)
	}
	return fmt.Sprintf("upstream: %s: %v", e.Kind, e.cause)
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of the first Error in the chain. An error of unknown origin is KindUnavailable, since it is
// no verdict; nil has no kind.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindUnavailable
}

// RetryAfter returns that of the first Error in the chain.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// statusError maps an HTTP status that carries no OAuth error which we know.
func statusError(what string, status int, header http.Header, now time.Time) *Error {
	kind := KindGarbage
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		kind = KindUnavailable
	case status >= 400:
		kind = KindRejected
	}
	err := newError(kind, "%s answered %d", what, status)
	if kind == KindUnavailable {
		err.RetryAfter = retryAfter(header.Get("Retry-After"), now)
	}
	return err
}

// retryAfter reads both forms of the header (RFC 9110 section 10.2.3) and caps them.
func retryAfter(value string, now time.Time) time.Duration {
	var delay time.Duration
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		delay = time.Duration(min(seconds, int64(MaxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		delay = date.Sub(now)
	}
	return min(max(delay, 0), MaxRetryAfter)
}
