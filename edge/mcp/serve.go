package mcp

import (
	"context"
	"net/http"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/gatehouse-auth/gatehouse/edge/mcp/frame"
	"github.com/gatehouse-auth/gatehouse/edge/mcp/session"
	"github.com/gatehouse-auth/gatehouse/edge/verifier"
)

// exchange is one verified request.
type exchange struct {
	w     *responseWriter
	r     *http.Request
	owner session.Owner
	body  []byte
	msg   frame.Message
}

// serve takes over from the gate. It has a principal.
func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) {
	caller, _ := verifier.PrincipalFrom(r.Context())
	x := &exchange{
		w:     newResponseWriter(w, e.config.KeepAlive),
		r:     r,
		owner: session.Owner{Subject: caller.Subject(), ClientID: caller.ClientID(), Resource: e.config.ResourceURL},
	}
	defer x.w.finish()
	if repeated := repeatedHeader(r.Header); repeated != "" {
		x.fail(http.StatusBadRequest, mcpgo.HEADER_MISMATCH, "The header "+repeated+" is there more than once.")
		return
	}
	// What a server behind the gate has no use for, it does not get. The token is gone already. The headers are the
	// middleware's own copy.
	for _, name := range []string{"Cookie", "Proxy-Authorization", mcpgo.HeaderLastEventID} {
		r.Header.Del(name)
	}
	switch r.Method {
	case http.MethodPost:
		e.post(x)
	case http.MethodDelete:
		e.delete(x)
	default:
		e.refuseMethod(x)
	}
}

// post reads the message, checks it, and sends it the way of its era.
func (e *Endpoint) post(x *exchange) {
	if !e.readMessage(x) {
		return
	}
	if method := x.r.Header.Get(mcpgo.HeaderMethod); method != "" && method != x.msg.Method {
		// mcp-go checks this for 2026-07-28. Some clients send the header in older versions too, and what routes or counts
		// by it in front of us does not ask for the version.
		x.fail(http.StatusBadRequest, mcpgo.HEADER_MISMATCH, "The header Mcp-Method does not match the body.")
		return
	}
	ctx, stop := e.verifier.Watch(x.r.Context())
	defer stop()
	switch {
	case x.isModern():
		e.serveModern(ctx, x)
	case x.msg.Method == string(mcpgo.MethodInitialize) && x.msg.IsRequest():
		e.initialize(ctx, x)
	default:
		e.serveSession(ctx, x)
	}
	e.answerCutShort(ctx, x)
}

// isModern decides as mcp-go does: the header or the body names 2026-07-28 or something later.
func (x *exchange) isModern() bool {
	return mcpgo.IsModernProtocol(x.r.Header.Get(mcpgo.HeaderProtocolVersion)) || mcpgo.IsModernProtocol(x.msg.Version)
}

// pass hands the message to mcp-go. seat is the session that it may take part in.
func (e *Endpoint) pass(ctx context.Context, x *exchange, seat seat) {
	e.mcp.Handle(x.w, &server.HTTPRequest{
		Method:  x.r.Method,
		URL:     x.r.URL,
		Header:  x.r.Header,
		Body:    x.body,
		Context: seat.in(ctx),
	})
}

// answerCutShort answers a request whose token stopped being good before there was an answer. mcp-go says nothing then,
// and nothing would look like a success.
func (e *Endpoint) answerCutShort(ctx context.Context, x *exchange) {
	if cause := context.Cause(ctx); cause != nil && !x.w.started() {
		e.verifier.WriteError(x.w, cause)
	}
}

// refuseMethod answers GET, HEAD and the rest with 405. There is no standalone stream: it is optional before 2026-07-28
// and gone since, and a client that is told so works without.
func (e *Endpoint) refuseMethod(x *exchange) {
	x.w.Header().Set("Allow", "POST, DELETE")
	if mcpgo.IsModernProtocol(x.r.Header.Get(mcpgo.HeaderProtocolVersion)) {
		x.w.Header().Set("Allow", "POST")
	}
	x.fail(http.StatusMethodNotAllowed, mcpgo.INVALID_REQUEST, "This method is not supported.")
}

// repeatedHeader returns the name of a header that means something here and has two values, or an empty string. Two
// readers could take different ones.
func repeatedHeader(h http.Header) string {
	for name, values := range h {
		if len(values) > 1 && (strings.HasPrefix(name, "Mcp-") || name == "Content-Type" || name == "Content-Encoding") {
			return name
		}
	}
	return ""
}
