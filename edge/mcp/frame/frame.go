// Package frame reads the outside of a JSON-RPC message as MCP uses it, strictly: one object, bounded in depth, in which
// everything that decides something is there at most once and in its exact spelling.
//
// Two readers of one message must never see two messages. Go's decoder takes the last of two equal keys and does not mind
// their case; others take the first and do. A message on which they could disagree is refused here, so that whatever was
// decided about it holds for whoever reads it next.
package frame

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest. The message itself is the first level.
const MaxDepth = 64

// metaVersion is the key of the protocol version in _meta (MCP 2026-07-28).
const metaVersion = "io.modelcontextprotocol/protocolVersion"

// Fault is why a message is refused.
type Fault string

// Faults. The texts are for clients.
const (
	Syntax   Fault = "The body is not JSON."
	Batch    Fault = "Batches of messages are not supported."
	Shape    Fault = "The body is not a JSON-RPC message."
	TooDeep  Fault = "The message is nested too deeply."
	TwoMeant Fault = "The message has a key twice, or in another spelling."
)

// Error returns the text.
func (f Fault) Error() string { return string(f) }

// Message is what a server must know before it passes a message on.
type Message struct {
	// ID is the identifier as it was sent, a string or a number. It is nil for notifications.
	ID json.RawMessage
	// Method is the method. It is empty for responses.
	Method string
	// Version is the protocol version that the message declares in params._meta, or empty.
	Version string
}

// IsRequest reports whether the sender waits for an answer.
func (m Message) IsRequest() bool { return m.ID != nil && m.Method != "" }

// Parse reads a message. The error is a Fault.
func Parse(body []byte) (Message, error) {
	body = bytes.TrimLeft(body, " \t\r\n")
	// Decoders repair bad UTF-8, each in its own way (RFC 8259 section 8.1 allows none).
	if !utf8.Valid(body) || !json.Valid(body) {
		return Message{}, Syntax
	}
	switch body[0] {
	case '{':
	case '[':
		return Message{}, Batch
	default:
		return Message{}, Shape
	}
	if depth(body) > MaxDepth {
		return Message{}, TooDeep
	}
	return parse(body)
}

func parse(body []byte) (Message, error) {
	var m Message
	var version, id, method, params, meta json.RawMessage
	err := readObject(body,
		field{"jsonrpc", &version}, field{"id", &id}, field{"method", &method}, field{"params", &params},
		field{"result", nil}, field{"error", nil})
	if err != nil {
		return Message{}, err
	}
	if string(version) != `"2.0"` {
		return Message{}, Shape
	}
	if m.ID, err = identifier(id); err != nil {
		return Message{}, err
	}
	if m.Method, err = text(method); err != nil {
		return Message{}, err
	}
	err = readObject(params, field{"_meta", &meta}, field{"name", nil}, field{"uri", nil}, field{"arguments", nil})
	if err != nil {
		return Message{}, err
	}
	var declared json.RawMessage
	if err := readObject(meta, field{metaVersion, &declared}); err != nil {
		return Message{}, err
	}
	if m.Version, err = text(declared); err != nil {
		return Message{}, err
	}
	return m, nil
}

// identifier accepts a string or a number (JSON-RPC 2.0 section 4). null is the same as nothing.
func identifier(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if c := raw[0]; c == '"' || c == '-' || '0' <= c && c <= '9' {
		return raw, nil
	}
	return nil, Shape
}

// text decodes a string, or nothing.
func text(raw json.RawMessage) (string, error) {
	if len(raw) == 0 {
		return "", nil
	}
	if raw[0] != '"' {
		return "", Shape
	}
	return string(unquote(raw)), nil
}
