package mcp

import (
	"context"
	"net/http"
	"sync"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// serveModern serves a message of 2026-07-28, which knows no sessions.
func (e *Endpoint) serveModern(ctx context.Context, x *exchange) {
	x.r.Header.Del(mcpgo.HeaderSessionID)
	switch {
	case x.isPing() && x.agreesOnVersion():
		// The version has no ping. Clients that speak it send one all the same, and stop when it fails.
		x.succeed(map[string]string{"resultType": string(mcpgo.ResultTypeComplete)})
	case x.msg.Method == string(mcpgo.MethodNotificationCancelled):
		// A client cancels by closing the response. mcp-go would look the request up by its identifier alone, among the
		// requests of everybody.
		x.w.WriteHeader(http.StatusAccepted)
	case x.msg.Method == string(mcpgo.MethodSubscriptionsListen):
		e.listen(ctx, x)
	default:
		e.pass(ctx, x, seat{})
	}
}

func (x *exchange) isPing() bool {
	return x.msg.Method == string(mcpgo.MethodPing) && x.msg.IsRequest()
}

// agreesOnVersion reports whether header and body name one version, and one that exists. Otherwise mcp-go has the right
// error for it.
func (x *exchange) agreesOnVersion() bool {
	version := x.r.Header.Get(mcpgo.HeaderProtocolVersion)
	return version == x.msg.Version && mcpgo.IsValidProtocolVersion(version)
}

// listen serves a stream that lasts until the client leaves, its token ends, or the endpoint is shut.
func (e *Endpoint) listen(ctx context.Context, x *exchange) {
	if e.open.Err() != nil {
		x.w.Header().Set("Retry-After", "1")
		x.fail(http.StatusServiceUnavailable, mcpgo.INTERNAL_ERROR, "The server is stopping.")
		return
	}
	if !e.streams.acquire(x.owner.Subject) {
		x.w.Header().Set("Retry-After", "30")
		x.fail(http.StatusTooManyRequests, mcpgo.INTERNAL_ERROR, "There are too many open streams of this user.")
		return
	}
	defer e.streams.release(x.owner.Subject)
	ctx, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(e.open, end)()
	e.pass(ctx, x, seat{})
}

// streams counts the open streams of each user.
type streams struct {
	perUser int

	mu   sync.Mutex
	open map[string]int
}

func newStreams(perUser int) *streams {
	return &streams{perUser: perUser, open: make(map[string]int)}
}

func (s *streams) acquire(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[user] >= s.perUser {
		return false
	}
	s.open[user]++
	return true
}

func (s *streams) release(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[user]--; s.open[user] == 0 {
		delete(s.open, user)
	}
}
