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
	"github.com/mark3labs/mcp-go/mcp"
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
	switch err := c.run(ctx); {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	default:
		return errors.New(plain(err.Error()))
	}
}

// connection is one run.
type connection struct {
	options Options
	out     io.Writer
	http    *http.Client
}

func (c *connection) run(ctx context.Context) error {
	fmt.Fprintf(c.out, "Connecting to %s\n", c.options.URL)
	knocked, err := c.knock(ctx)
	if err != nil {
		return err
	}
	if knocked.code != http.StatusUnauthorized {
		return c.enter(ctx, knocked)
	}
	mcpClient, err := c.logIn(ctx, knocked)
	if err != nil {
		return err
	}
	defer func() { _ = mcpClient.Close() }()
	server, err := c.shakeHands(ctx, mcpClient)
	if err != nil {
		return fmt.Errorf("the server does not take the token that it asked for: %w", err)
	}
	return c.present(ctx, mcpClient, server)
}

// enter connects without a token. When that fails, the answer to the knock says more than the library's error, which
// takes every refusal for an old kind of server.
func (c *connection) enter(ctx context.Context, knocked reception) error {
	mcpClient, err := c.newClient()
	if err != nil {
		return err
	}
	defer func() { _ = mcpClient.Close() }()
	server, err := c.shakeHands(ctx, mcpClient)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("there is no MCP endpoint at this address: the server answers %s", knocked.status)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, "The server lets everybody in: no login is needed.")
	return c.present(ctx, mcpClient, server)
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

// shakeHands agrees with the server on a version of the protocol.
func (c *connection) shakeHands(ctx context.Context, mcpClient *client.Client) (*mcp.InitializeResult, error) {
	if err := mcpClient.Start(ctx); err != nil {
		return nil, err
	}
	request := mcp.InitializeRequest{}
	request.Params.ClientInfo = mcp.Implementation{Name: clientName, Version: c.options.Version}
	return mcpClient.Initialize(ctx, request)
}
