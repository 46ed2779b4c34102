package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/connect/challenge"
	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/connect/loopback"
)

// logIn does what the challenge asks for, and returns a client with the token.
func (c *connection) logIn(ctx context.Context, refusal reception) (*client.Client, error) {
	listener, err := loopback.Listen(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = listener.Close() }() // a second time, when an answer came
	params, _ := challenge.Bearer(refusal.header.Values("Www-Authenticate"))
	mcpClient, err := c.newClient(transport.WithHTTPOAuth(transport.OAuthConfig{
		RedirectURI: listener.RedirectURI(),
		Scopes:      strings.Fields(params["scope"]),
		PKCEEnabled: true,
		TokenStore:  transport.NewMemoryTokenStore(),
		HTTPClient:  c.http,
	}))
	if err != nil {
		return nil, err
	}
	handler := mcpClient.GetTransport().(*transport.StreamableHTTP).GetOAuthHandler()
	handler.HandleUnauthorizedResponse(&http.Response{Header: refusal.header})
	if err := c.authorize(ctx, handler, listener); err != nil {
		return nil, err
	}
	return mcpClient, nil
}

// authorize registers this client and sends the user through the authorization code flow. The library builds the
// requests; whether PKCE is possible and whose answer came back is ours to check.
func (c *connection) authorize(ctx context.Context, handler *transport.OAuthHandler, listener *loopback.Listener) error {
	server, err := handler.GetServerMetadata(ctx)
	if err != nil {
		return fmt.Errorf("the authorization server was not found: %w", err)
	}
	if !slices.Contains(server.CodeChallengeMethodsSupported, "S256") {
		return fmt.Errorf("%s does not announce PKCE with S256, without which a code can be stolen", server.Issuer)
	}
	if err := handler.RegisterClient(ctx, clientName); err != nil {
		return fmt.Errorf("registration at %s: %w", server.Issuer, err)
	}
	verifier, err := client.GenerateCodeVerifier()
	if err != nil {
		return err
	}
	state, err := client.GenerateState()
	if err != nil {
		return err
	}
	address, err := handler.GetAuthorizationURL(ctx, state, client.GenerateCodeChallenge(verifier))
	if err != nil {
		return err
	}
	expectation := loopback.Expectation{State: state, Issuer: server.Issuer, IssuerRequired: c.announcesIssuer(ctx, server.Issuer)}
	c.invite(ctx, address)
	return c.wait(ctx, listener, expectation, func(ctx context.Context, code string) error {
		if err := handler.ProcessAuthorizationResponse(ctx, code, state, verifier); err != nil {
			return fmt.Errorf("the code was not accepted: %w", err)
		}
		return nil
	})
}

// invite takes the user to the authorization page.
func (c *connection) invite(ctx context.Context, address string) {
	fmt.Fprintf(c.out, "\nLog in with your browser at\n\n  %s\n\n", address)
	if c.options.Browse == nil {
		return
	}
	if err := c.options.Browse(ctx, address); err != nil {
		fmt.Fprintf(c.out, "No browser could be started (%v): open the address yourself.\n", err)
	}
}

// wait waits for the user, but not for ever.
func (c *connection) wait(
	ctx context.Context, listener *loopback.Listener, want loopback.Expectation, redeem loopback.Redeem,
) error {
	fmt.Fprintf(c.out, "Waiting for the login, up to %s. Ctrl-C gives up.\n", c.options.Timeout)
	limited, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	err := listener.Receive(limited, want, redeem)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("nobody logged in within %s", c.options.Timeout)
	}
	return err
}
