package coreerror_test

import (
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/gatehouse-auth/gatehouse/edge/coreerror"
)

func TestDetailsAreReadFromAStatus(t *testing.T) {
	info := func(domain string) protoadapt.MessageV1 {
		return &errdetails.ErrorInfo{Domain: domain, Reason: "invalid_grant"}
	}
	retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(3 * time.Second)}
	for name, test := range map[string]struct {
		details []protoadapt.MessageV1
		reason  string
		retry   time.Duration
	}{
		"nothing":                      {nil, "", 0},
		"a verdict":                    {[]protoadapt.MessageV1{info("oauth")}, "invalid_grant", 0},
		"a verdict and a time":         {[]protoadapt.MessageV1{info("oauth"), retry}, "invalid_grant", 3 * time.Second},
		"a time alone":                 {[]protoadapt.MessageV1{retry}, "", 3 * time.Second},
		"a reason of somebody else":    {[]protoadapt.MessageV1{info("googleapis.com")}, "", 0},
		"a reason of nobody":           {[]protoadapt.MessageV1{info("")}, "", 0},
		"a detail that says something": {[]protoadapt.MessageV1{&errdetails.Help{}}, "", 0},
		"a time that is not set":       {[]protoadapt.MessageV1{&errdetails.RetryInfo{}}, "", 0},
	} {
		st := status.New(codes.InvalidArgument, "message")
		if len(test.details) > 0 {
			var err error
			if st, err = st.WithDetails(test.details...); err != nil {
				t.Fatal(err)
			}
		}
		if reason, after := coreerror.Details(st); reason != test.reason || after != test.retry {
			t.Errorf("%s: %q, %v", name, reason, after)
		}
	}
}
