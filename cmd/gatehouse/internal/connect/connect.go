// Package connect is an MCP client for people: it registers, has the user log in with a browser, and shows what the
// server offers. Tokens stay in memory.
package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
)

// clientName is what the consent page shows.
const clientName = "gatehouse connect"

// callTimeout bounds one request.
const callTimeout = 30 * time.Second

// Options says where to connect and what to do there.
type Options struct {
	// URL is the MCP endpoint.
	URL string
	// Name is who is greeted.
	Name string
	// Version is the version of this client.
	Version string
	// Timeout is how long the user may take to log in.
	Timeout time.Duration
	// Browse takes the user to a page. The page's address is printed in any case, so that it may fail; nil opens none.
	Browse func(ctx context.Context, address string) error
}

// Run connects, logs in when the server asks for it, and prints what the server offers and what its samples answer.
func Run(ctx context.Context, out io.Writer, options Options) error {
	pool := http.DefaultTransport.(*http.Transport).Clone()
	defer pool.CloseIdleConnections()
	c := &connection{
		options: options,
		out:     out,
		http: &http.Client{
			Transport: pool,
			Timeout:   callTimeout,
			// A redirect would take the token, or the registration, to another place than the one that was discovered.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	fmt.Fprintf(out, "Connecting to %s\n", options.URL)
	mcpClient, err := c.open(ctx)
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	if err != nil {
		return err
	}
	defer mcpClient.Close()
	return c.present(ctx, mcpClient)
}

// connection is one run.
type connection struct {
	options Options
	out     io.Writer
	http    *http.Client
}

// open returns a client that may call the server.
func (c *connection) open(ctx context.Context) (*client.Client, error) {
	answer, err := c.knock(ctx)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusUnauthorized {
		fmt.Fprintln(c.out, "The server lets everybody in: no login is needed.")
		return c.newClient()
	}
	return c.logIn(ctx, answer)
}

// newClient returns a client of the endpoint.
func (c *connection) newClient(options ...transport.StreamableHTTPCOption) (*client.Client, error) {
	options = append(options,
		transport.WithHTTPBasicClient(c.http),
		transport.WithHTTPLogger(slog.New(slog.DiscardHandler)))
	endpoint, err := transport.NewStreamableHTTP(c.options.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.options.URL, err)
	}
	return client.NewClient(endpoint), nil
}
