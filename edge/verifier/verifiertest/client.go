// Package verifiertest is a core in memory, for tests of programs that use package verifier.
package verifiertest

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// Token is what the core knows about one access token.
type Token struct {
	// Resource is the audience.
	Resource string
	// Subject, ClientID and GrantID say whose it is.
	Subject, ClientID, GrantID string
	// Scopes are what it may do.
	Scopes []string
	// ExpireTime is its expiry.
	ExpireTime time.Time
	// Identity is what the core tells about the user. It may be nil.
	Identity *gatehousev1.Identity
}

// Client answers VerifyToken as a core does. It is safe for concurrent use.
type Client struct {
	now func() time.Time

	mu     sync.Mutex
	tokens map[string]record
	err    error
	calls  int
}

type record struct {
	resource string
	answer   *gatehousev1.VerifyTokenResponse
}

// NewClient returns a core that knows no token and whose time is now().
func NewClient(now func() time.Time) *Client {
	return &Client{now: now, tokens: make(map[string]record)}
}

// Issue makes a token good.
func (c *Client) Issue(token string, t Token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens[token] = record{
		resource: t.Resource,
		answer: &gatehousev1.VerifyTokenResponse{
			Active:     true,
			Subject:    t.Subject,
			ClientId:   t.ClientID,
			GrantId:    t.GrantID,
			Scopes:     t.Scopes,
			ExpireTime: timestamppb.New(t.ExpireTime),
			Identity:   t.Identity,
		},
	}
}

// Revoke makes a token inactive.
func (c *Client) Revoke(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens[token] = record{answer: inactive(gatehousev1.InactiveReason_INACTIVE_REASON_REVOKED)}
}

// Fail makes every call fail with err until it is called with nil.
func (c *Client) Fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// Calls returns how often the core was asked.
func (c *Client) Calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// VerifyToken answers from memory.
func (c *Client) VerifyToken(
	ctx context.Context, in *gatehousev1.VerifyTokenRequest, _ ...grpc.CallOption,
) (*gatehousev1.VerifyTokenResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.err != nil {
		return nil, c.err
	}
	known, ok := c.tokens[in.GetToken()]
	if !ok {
		return inactive(gatehousev1.InactiveReason_INACTIVE_REASON_MALFORMED), nil
	}
	answer := known.answer
	switch {
	case !answer.GetActive():
		return answer, nil
	case known.resource != in.GetResource():
		return inactive(gatehousev1.InactiveReason_INACTIVE_REASON_AUDIENCE), nil
	case !c.now().Before(answer.GetExpireTime().AsTime()):
		return inactive(gatehousev1.InactiveReason_INACTIVE_REASON_EXPIRED), nil
	case !containsAll(answer.GetScopes(), in.GetRequiredScopes()):
		return inactive(gatehousev1.InactiveReason_INACTIVE_REASON_INSUFFICIENT_SCOPE), nil
	default:
		return answer, nil
	}
}

func inactive(reason gatehousev1.InactiveReason) *gatehousev1.VerifyTokenResponse {
	return &gatehousev1.VerifyTokenResponse{Reason: reason}
}

func containsAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(have, s) })
}
