// Package mcpclient speaks MCP over HTTP one request at a time, in every protocol era that servers meet. It does not
// use an MCP library, so that it can also say what no library would.
package mcpclient

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Stateless is the first protocol version without sessions and without a handshake.
const Stateless = "2026-07-28"

// Client is one client of an MCP endpoint. It is used by one goroutine at a time.
type Client struct {
	// Endpoint is the URL of the endpoint.
	Endpoint string
	// Token is the access token; none is sent when it is empty.
	Token string
	// Version is the protocol version to speak.
	Version string
	// Header is sent with every request, in place of the usual values. Host is taken as the Host header.
	Header http.Header
	// Transport is the way to the endpoint; nil is the usual one.
	Transport http.RoundTripper
	// Session is the session that the server assigned. It is empty until Initialize, and always for Stateless.
	Session string

	lastID int
}

// Reply is an answer of the endpoint.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	// Result is the result, when there is one.
	Result json.RawMessage
	// Error is the JSON-RPC error, when there is one.
	Error *Error
}

// Error is a JSON-RPC error.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// String describes the reply for a failed test.
func (r Reply) String() string { return fmt.Sprintf("%d %.500s", r.Status, r.Body) }

// Decode reads the result into a value.
func (r Reply) Decode(into any) error {
	if r.Status != http.StatusOK || r.Error != nil || r.Result == nil {
		return fmt.Errorf("mcpclient: no result: %s", r)
	}
	return json.Unmarshal(r.Result, into)
}

// Initialize shakes hands and remembers the session. It must not be called with a stateless version.
func (c *Client) Initialize(ctx context.Context) (Reply, error) {
	reply, err := c.Call(ctx, "initialize", map[string]any{
		"protocolVersion": c.Version,
		"capabilities":    map[string]any{},
		"clientInfo":      clientInfo(),
	})
	if err != nil || reply.Result == nil {
		return reply, err
	}
	c.Session = reply.Header.Get("Mcp-Session-Id")
	_, err = c.send(ctx, message{Method: "notifications/initialized"})
	return reply, err
}

// Call sends a request and returns the answer, whatever its status is.
func (c *Client) Call(ctx context.Context, method string, params map[string]any) (Reply, error) {
	c.lastID++
	id := c.lastID
	return c.send(ctx, message{ID: &id, Method: method, Params: params})
}

type message struct {
	Version string         `json:"jsonrpc"`
	ID      *int           `json:"id,omitempty"`
	Method  string         `json:"method"`
	Params  map[string]any `json:"params,omitempty"`
}

func (c *Client) send(ctx context.Context, m message) (Reply, error) {
	m.Version = "2.0"
	if c.Version == Stateless {
		m.Params = withMeta(m.Params)
	}
	body, err := json.Marshal(m)
	if err != nil {
		return Reply{}, fmt.Errorf("mcpclient: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint, bytes.NewReader(body))
	if err != nil {
		return Reply{}, fmt.Errorf("mcpclient: %w", err)
	}
	c.setHeaders(req, m)
	client := http.Client{Transport: c.Transport, Timeout: 30 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return Reply{}, fmt.Errorf("mcpclient: %w", err)
	}
	defer res.Body.Close()
	return read(res)
}

func (c *Client) setHeaders(req *http.Request, m message) {
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if c.Session != "" {
		req.Header.Set("Mcp-Session-Id", c.Session)
	}
	if c.Version >= "2025-06-18" && m.Method != "initialize" {
		req.Header.Set("Mcp-Protocol-Version", c.Version)
	}
	if c.Version == Stateless {
		req.Header.Set("Mcp-Method", m.Method)
		if name := subject(m.Params); name != "" {
			req.Header.Set("Mcp-Name", name)
		}
	}
	maps.Copy(req.Header, c.Header)
	if host := c.Header.Get("Host"); host != "" {
		req.Host = host
	}
}

// subject is the value of Mcp-Name: the tool, prompt or resource that a request is about.
func subject(params map[string]any) string {
	for _, key := range []string{"name", "uri"} {
		if name, ok := params[key].(string); ok {
			return name
		}
	}
	return ""
}

// withMeta adds what 2026-07-28 wants with every request instead of a handshake.
func withMeta(params map[string]any) map[string]any {
	all := map[string]any{"_meta": map[string]any{
		"io.modelcontextprotocol/protocolVersion":    Stateless,
		"io.modelcontextprotocol/clientInfo":         clientInfo(),
		"io.modelcontextprotocol/clientCapabilities": map[string]any{},
	}}
	maps.Copy(all, params)
	return all
}

func clientInfo() map[string]any { return map[string]any{"name": "gatehouse-e2e", "version": "1"} }

// read takes an answer apart. In an event stream the last message is the answer.
func read(res *http.Response) (Reply, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return Reply{}, fmt.Errorf("mcpclient: %w", err)
	}
	reply := Reply{Status: res.StatusCode, Header: res.Header, Body: body}
	document := body
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind == "text/event-stream" {
		document = lastEvent(body)
	}
	var answer struct {
		Result json.RawMessage
		Error  *Error
	}
	if json.Unmarshal(document, &answer) == nil {
		reply.Result, reply.Error = answer.Result, answer.Error
	}
	return reply, nil
}

func lastEvent(stream []byte) []byte {
	var last []byte
	lines := bufio.NewScanner(bytes.NewReader(stream))
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
			last = []byte(data)
		}
	}
	return last
}
