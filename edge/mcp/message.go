package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/gatehouse-auth/gatehouse/edge/mcp/frame"
)

// firstBuffer is what is allocated for a body before any of it has come, whatever Content-Length says.
const firstBuffer = 16 << 10

// readMessage reads and parses the body. When it returns false the request has been answered.
func (e *Endpoint) readMessage(x *exchange) bool {
	if x.r.ContentLength > e.config.MaxBodyBytes {
		x.fail(http.StatusRequestEntityTooLarge, mcpgo.INVALID_REQUEST, "The body is too large.")
		return false
	}
	if !isJSON(x.r.Header) {
		x.fail(http.StatusUnsupportedMediaType, mcpgo.INVALID_REQUEST, "The body must be application/json.")
		return false
	}
	body, err := e.readBody(x)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		x.fail(http.StatusRequestEntityTooLarge, mcpgo.INVALID_REQUEST, "The body is too large.")
		return false
	}
	if err != nil {
		x.fail(http.StatusRequestTimeout, mcpgo.INVALID_REQUEST, "The body did not arrive.")
		return false
	}
	msg, err := frame.Parse(body)
	if err != nil {
		code := mcpgo.INVALID_REQUEST
		if errors.Is(err, frame.Syntax) {
			code = mcpgo.PARSE_ERROR
		}
		x.fail(http.StatusBadRequest, code, err.Error())
		return false
	}
	x.body, x.msg = body, msg
	return true
}

// readBody reads no more than is allowed, and no longer.
func (e *Endpoint) readBody(x *exchange) ([]byte, error) {
	control := http.NewResponseController(x.w.inner)
	// A server without deadlines (a test recorder, HTTP/2 in part) bounds its requests itself.
	_ = control.SetReadDeadline(time.Now().Add(e.config.BodyTimeout)) //nolint:forbidigo // deadlines of a connection go by the real clock
	expected := max(0, min(x.r.ContentLength, firstBuffer))
	body := bytes.NewBuffer(make([]byte, 0, expected+bytes.MinRead))
	_, err := body.ReadFrom(http.MaxBytesReader(x.w.inner, x.r.Body, e.config.MaxBodyBytes))
	// The server reads on to see whether the client is still there; the deadline must not end that.
	_ = control.SetReadDeadline(time.Time{})
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return body.Bytes(), nil
}

// isJSON reports whether the body says that it is plain JSON. A page can send text/plain and form bodies to other
// origins without a preflight; none of them is a message.
func isJSON(h http.Header) bool {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return false
	}
	contentType := h.Get("Content-Type")
	if contentType == "application/json" {
		return true
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	charset, other := params["charset"]
	return err == nil && mediaType == "application/json" && (!other || strings.EqualFold(charset, "utf-8"))
}

// fail answers with a JSON-RPC error that carries the identifier of the message, when there is one.
func (x *exchange) fail(status, code int, text string) {
	x.reply(status, struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   rpcError        `json:"error"`
	}{mcpgo.JSONRPC_VERSION, x.msg.ID, rpcError{code, text}})
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// succeed answers with a JSON-RPC result.
func (x *exchange) succeed(result any) {
	x.reply(http.StatusOK, struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  any             `json:"result"`
	}{mcpgo.JSONRPC_VERSION, x.msg.ID, result})
}

func (x *exchange) reply(status int, message any) {
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	x.w.WriteHeader(status)
	// A failure to write is a client that is gone.
	_ = json.NewEncoder(x.w).Encode(message)
}
