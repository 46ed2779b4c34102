package service

import (
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

// errorDomain is the domain of google.rpc.ErrorInfo for OAuth error codes.
const errorDomain = "oauth"

// grpcCodes has the codes that are not INVALID_ARGUMENT.
func grpcCode(code oauth.Code) codes.Code {
	switch code {
	case oauth.InvalidClient, oauth.SessionExpired:
		return codes.Unauthenticated
	case oauth.AccessDenied, oauth.WrongBrowser, oauth.UntrustedProvider:
		return codes.PermissionDenied
	case oauth.TransactionExpired, oauth.NotFound:
		return codes.NotFound
	case oauth.TransactionUsed, oauth.TransactionFailed:
		return codes.FailedPrecondition
	case oauth.TooManyRequests:
		return codes.ResourceExhausted
	case oauth.TemporarilyUnavailable:
		return codes.Unavailable
	case oauth.ServerError:
		return codes.Internal
	default:
		return codes.InvalidArgument
	}
}

// Status gives an error of a use case its public form. Causes stay behind: the interceptor logs them.
func Status(err error) *status.Status {
	public, ok := errors.AsType[*oauth.Error](err)
	if !ok {
		public = oauth.NewError(oauth.ServerError, "The server failed.")
	}
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Domain: errorDomain, Reason: string(public.Code)}}
	if public.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(public.RetryAfter)})
	}
	st := status.New(grpcCode(public.Code), public.Description)
	if with, err := st.WithDetails(details...); err == nil {
		st = with
	}
	return st
}
