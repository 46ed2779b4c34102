// Package oauth is the vocabulary of OAuth 2.1 as this server speaks it: redirect URIs, scopes, resources, PKCE and
// errors. It is pure: no I/O, no clock, no randomness.
package oauth

import (
	"errors"
	"fmt"
	"time"
)

// Code is an OAuth error code, or one of the few that this server adds for its own pages.
type Code string

// Error codes of RFC 6749 sections 4.1.2.1 and 5.2, RFC 7591 section 3.2.2, RFC 8707 section 2 and RFC 9101 section 7.
const (
	InvalidRequest          Code = "invalid_request"
	InvalidClient           Code = "invalid_client"
	InvalidGrant            Code = "invalid_grant"
	UnauthorizedClient      Code = "unauthorized_client"
	UnsupportedGrantType    Code = "unsupported_grant_type"
	UnsupportedResponseType Code = "unsupported_response_type"
	InvalidScope            Code = "invalid_scope"
	InvalidTarget           Code = "invalid_target"
	InvalidRedirectURI      Code = "invalid_redirect_uri"
	InvalidClientMetadata   Code = "invalid_client_metadata"
	AccessDenied            Code = "access_denied"
	ConsentRequired         Code = "consent_required"
	RequestNotSupported     Code = "request_not_supported"
	ServerError             Code = "server_error"
	TemporarilyUnavailable  Code = "temporarily_unavailable"
)

// Codes of this server, where no RFC has one.
const (
	TransactionExpired Code = "transaction_expired"
	TransactionUsed    Code = "transaction_used"
	TransactionFailed  Code = "transaction_failed"
	WrongBrowser       Code = "wrong_browser"
	UntrustedProvider  Code = "untrusted_provider"
	NotFound           Code = "not_found"
	SessionExpired     Code = "session_expired"
	TooManyRequests    Code = "too_many_requests"
)

// Error is a failure with a public meaning and a private cause.
type Error struct {
	// Code is the public error code.
	Code Code
	// Description is a constant text that a client may see.
	Description string
	// RetryAfter says when to try again; zero when trying again is no help.
	RetryAfter time.Duration
	cause      error
}

// NewError returns an error with a public code and description.
func NewError(code Code, description string) *Error {
	return &Error{Code: code, Description: description}
}

// Unavailable returns the error for an outage: nobody did anything wrong, and trying again helps.
func Unavailable(cause error) *Error {
	return &Error{
		Code:        TemporarilyUnavailable,
		Description: "The server cannot answer at the moment. Try again.",
		RetryAfter:  2 * time.Second,
		cause:       cause,
	}
}

// WithCause returns a copy that wraps a private cause, for the log.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error returns code, description and cause. It is for logs; clients get Code and Description.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Description, e.cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Description)
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf returns the code of the first Error in the chain, or server_error.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ServerError
}
