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

// knock asks the endpoint without a token. The library could not: it wants a token before its first request, and so
// never sees the challenge. The answer is 401, or from a server that needs no token: some take the message, others miss
// the handshake (400). Its body is closed.
func (c *connection) knock(ctx context.Context) (*http.Response, error) {
	if u, err := url.Parse(c.options.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no URL of an MCP server: it looks like https://mcp.example.com/mcp", c.options.URL)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.URL, strings.NewReader(ping))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	answer, err := c.http.Do(request)
	if failure, ok := errors.AsType[*net.OpError](err); ok && failure.Op == "dial" {
		return nil, fmt.Errorf("no server answers there (%w)\n\nStart one in another terminal, and try again:\n\n  gatehouse dev", failure.Err)
	}
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	switch status := answer.StatusCode; {
	case status == http.StatusUnauthorized, status == http.StatusBadRequest, status < http.StatusMultipleChoices:
		return answer, nil
	case status >= http.StatusInternalServerError:
		return nil, fmt.Errorf("the server cannot answer now: %s", answer.Status)
	default:
		return nil, fmt.Errorf("there is no MCP endpoint at this address: the server answers %s", answer.Status)
	}
}
