package mcp

import (
	"context"
	"errors"
	"net/http"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// initialize opens a session, of the versions before 2026-07-28.
func (e *Endpoint) initialize(ctx context.Context, x *exchange) {
	id, ended, err := e.sessions.Open(x.owner)
	e.forget(ended...)
	if err != nil {
		e.logger.WarnContext(ctx, "no room for another session", "error", err)
		x.w.Header().Set("Retry-After", "30")
		x.fail(http.StatusServiceUnavailable, mcpgo.INTERNAL_ERROR, "The server has too many sessions. Try again.")
		return
	}
	x.w.Header().Set(mcpgo.HeaderSessionID, id)
	e.pass(ctx, x, seat{id})
	if !e.sessions.Enter(x.owner, id) {
		// Others of the same user have pushed it out before mcp-go had heard of it.
		e.forget(id)
	}
}

// serveSession serves a message of a session. A ping is all that a client may send before it has one (lifecycle of
// 2025-11-25 and before).
func (e *Endpoint) serveSession(ctx context.Context, x *exchange) {
	if x.isPing() && x.r.Header.Get(mcpgo.HeaderSessionID) == "" {
		x.succeed(struct{}{})
		return
	}
	if id, ok := e.enter(x); ok {
		e.pass(ctx, x, seat{id})
	}
}

// delete ends a session of the caller's own.
func (e *Endpoint) delete(x *exchange) {
	if mcpgo.IsModernProtocol(x.r.Header.Get(mcpgo.HeaderProtocolVersion)) {
		e.refuseMethod(x)
		return
	}
	if id, ok := e.enter(x); ok {
		e.sessions.Close(x.owner, id)
		e.pass(x.r.Context(), x, seat{id})
	}
}

// enter finds the session that a message names. A session of somebody else is as unknown as one that never was: 404, on
// which clients initialize again. When it returns false the request has been answered.
func (e *Endpoint) enter(x *exchange) (string, bool) {
	id := x.r.Header.Get(mcpgo.HeaderSessionID)
	if id == "" {
		x.fail(http.StatusBadRequest, mcpgo.INVALID_REQUEST, "The header Mcp-Session-Id is missing. Send initialize first.")
		return "", false
	}
	if !e.sessions.Enter(x.owner, id) {
		x.fail(http.StatusNotFound, mcpgo.INVALID_REQUEST, "There is no such session. Send initialize again.")
		return "", false
	}
	return id, true
}

// forget makes mcp-go drop what it keeps about sessions that have ended. Its only way to say so is the request that a
// client would send.
func (e *Endpoint) forget(ids ...string) {
	for _, id := range ids {
		e.mcp.Handle(discard{make(http.Header)}, &server.HTTPRequest{
			Method:  http.MethodDelete,
			Header:  http.Header{mcpgo.HeaderSessionID: {id}},
			Context: seat{id}.in(context.Background()),
		})
	}
}

// discard is a response that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) WriteHeader(int)             {}
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Flush()                      {}
func (discard) CanStream() bool             { return false }

// seat is the session that the room has admitted a request to. It is all that mcp-go gets to know about sessions, so
// that mcp-go cannot mint, accept or end another one. The zero seat is none.
type seat struct{ id string }

type seatKey struct{}

func (s seat) in(ctx context.Context) context.Context { return context.WithValue(ctx, seatKey{}, s) }

var errNoSeat = errors.New("mcp: the request has not been admitted to this session")

// Generate returns the session that was opened for the request.
func (s seat) Generate() string { return s.id }

// Validate accepts the session that the request was admitted to.
func (s seat) Validate(sessionID string) (isTerminated bool, err error) {
	if s.id == "" || sessionID != s.id {
		return false, errNoSeat
	}
	return false, nil
}

// Terminate accepts the same.
func (s seat) Terminate(sessionID string) (isNotAllowed bool, err error) {
	return s.Validate(sessionID)
}

// seats finds the seat of a request.
type seats struct{}

// ResolveSessionIdManager returns the seat in the context of r, or none.
func (seats) ResolveSessionIdManager(r *http.Request) server.SessionIdManager {
	if r == nil {
		return seat{}
	}
	s, _ := r.Context().Value(seatKey{}).(seat)
	return s
}
