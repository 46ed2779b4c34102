package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// endpoint is an MCP endpoint on the network.
type endpoint struct {
	url   string
	token string // empty when it asks for none
}

// peer is an MCP client on a connection of its own. It writes bytes that are ready and reads no more than it must: the
// machine is the servers'.
type peer struct {
	conn    net.Conn
	reader  *bufio.Reader
	request []byte
}

// connect does what a client of a protocol version does before it calls a tool.
func (e endpoint) connect(b *testing.B, version string) *peer {
	b.Helper()
	u, err := url.Parse(e.url)
	if err != nil {
		b.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	p := &peer{conn: conn, reader: bufio.NewReader(conn)}
	var session string
	if !mcpgo.IsModernProtocol(version) {
		header, _, err := p.send(e.request(b, version, "", mcpgo.MethodInitialize, map[string]any{
			"protocolVersion": version, "capabilities": map[string]any{},
			"clientInfo": map[string]any{"name": "bench", "version": "v0"},
		}))
		if err != nil {
			b.Fatal(err)
		}
		session = header.Get(mcpgo.HeaderSessionID)
	}
	p.request = e.request(b, version, session, mcpgo.MethodToolsCall, map[string]any{
		"name": "greet", "arguments": map[string]any{"name": "Ada"},
	})
	_, answer, err := p.send(p.request)
	if err != nil || !bytes.Contains(answer, []byte("Hello! Ada")) {
		b.Fatalf("%s, %v", answer, err)
	}
	return p
}

// request writes a JSON-RPC request as a client of a protocol version sends it.
func (e endpoint) request(b *testing.B, version, session string, method mcpgo.MCPMethod, params map[string]any) []byte {
	b.Helper()
	if mcpgo.IsModernProtocol(version) {
		params["_meta"] = map[string]any{
			mcpgo.MetaKeyProtocolVersion: version, mcpgo.MetaKeyClientCapabilities: map[string]any{},
		}
	}
	raw, err := json.Marshal(params)
	if err != nil {
		b.Fatal(err)
	}
	body := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, raw)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set(mcpgo.HeaderProtocolVersion, version)
	if mcpgo.IsModernProtocol(version) {
		for name, value := range mcpgo.StandardHeaders(version, method, raw) {
			r.Header.Set(name, value)
		}
	}
	if session != "" {
		r.Header.Set(mcpgo.HeaderSessionID, session)
	}
	if e.token != "" {
		r.Header.Set("Authorization", "Bearer "+e.token)
	}
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		b.Fatal(err)
	}
	return wire.Bytes()
}

func (p *peer) call() error {
	_, _, err := p.send(p.request)
	return err
}

func (p *peer) send(request []byte) (http.Header, []byte, error) {
	if _, err := p.conn.Write(request); err != nil {
		return nil, nil, err
	}
	response, err := http.ReadResponse(p.reader, nil)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
	return response.Header, body, err
}
