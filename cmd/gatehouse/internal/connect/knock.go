package connect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ping is the smallest message of the protocol. It is sent without a token, to be refused.
const ping = `{"jsonrpc":"2.0","id":0,"method":"ping"}`

// reception is how the endpoint answers a stranger.
type reception struct {
	code   int
	status string
	header http.Header
}

// knock asks the endpoint without a token. The library could not: it wants a token before its first request, and so
// never sees the challenge. 401 asks for a login; other answers mean little, since servers that need no token may miss
// the handshake.
func (c *connection) knock(ctx context.Context) (reception, error) {
	if u, err := url.Parse(c.options.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return reception{}, fmt.Errorf("%q is no URL of an MCP server: it looks like https://mcp.example.com/mcp", c.options.URL)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.URL, strings.NewReader(ping))
	if err != nil {
		return reception{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	answer, err := c.http.Do(request)
	if failure, ok := errors.AsType[*net.OpError](err); ok && failure.Op == "dial" {
		return reception{}, fmt.Errorf(
			"no server answers at %s (%w)\n\nIs it running? This starts one on this machine:\n\n  gatehouse dev",
			request.URL.Host, failure.Err)
	}
	if err != nil {
		return reception{}, err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusInternalServerError {
		return reception{}, fmt.Errorf("the server cannot answer now: %s", answer.Status)
	}
	return reception{code: answer.StatusCode, status: answer.Status, header: answer.Header}, nil
}
