package tour

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/connect/sample"
)

// connect opens the MCP endpoint with the token.
func (w *walk) connect(ctx context.Context) (string, error) {
	endpoint, err := transport.NewStreamableHTTP(w.target.Resource,
		transport.WithHTTPBasicClient(w.http),
		transport.WithHTTPHeaders(map[string]string{"Authorization": "Bearer " + w.tokens.AccessToken}),
		transport.WithHTTPLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return "", err
	}
	w.mcp = client.NewClient(endpoint)
	if err := w.mcp.Start(ctx); err != nil {
		return "", err
	}
	request := mcp.InitializeRequest{}
	request.Params.ClientInfo = mcp.Implementation{Name: clientName, Version: "1"}
	server, err := w.mcp.Initialize(ctx, request)
	if err != nil {
		return "", unlike("an MCP server that takes the token", err.Error())
	}
	return fmt.Sprintf("%s speaks MCP %s", server.ServerInfo.Name, server.ProtocolVersion), nil
}

func (w *walk) greet(ctx context.Context) (string, error) {
	text, err := sample.Greet(ctx, w.mcp, w.target.User.GivenName)
	return expectText(text, err, w.target.User.GivenName)
}

// readProfile tells that the server knows who called.
func (w *walk) readProfile(ctx context.Context) (string, error) {
	text, err := sample.Profile(ctx, w.mcp)
	if err != nil {
		return "", err
	}
	var profile struct {
		FirstName string `json:"first_name"`
		Email     string `json:"email"`
		Subject   string `json:"sub"`
	}
	if err := json.Unmarshal([]byte(text), &profile); err != nil {
		return "", unlike("a JSON document", text)
	}
	user := w.target.User
	if profile.FirstName != user.GivenName || profile.Email != user.Email || profile.Subject == "" {
		return "", unlike(fmt.Sprintf("%s, %s and a subject", user.GivenName, user.Email), text)
	}
	return fmt.Sprintf("%s, %s", profile.FirstName, profile.Email), nil
}

func (w *walk) getPrompt(ctx context.Context) (string, error) {
	const topic = "OAuth 2.1"
	text, err := sample.AskAboutTopic(ctx, w.mcp, topic)
	return expectText(text, err, topic)
}

// expectText makes a step of what a sample answered.
func expectText(text string, err error, part string) (string, error) {
	if err != nil {
		return "", err
	}
	if !strings.Contains(text, part) {
		return "", unlike(fmt.Sprintf("a text with %q", part), fmt.Sprintf("%.300q", text))
	}
	return text, nil
}
