package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/gatehouse-auth/gatehouse/edge/verifier"
)

const (
	profileURI = "resource://profile"
	jsonType   = "application/json"
)

// errNoCaller cannot happen behind the gate. It keeps a server that was mounted elsewhere from answering about nobody.
var errNoCaller = errors.New("nobody is signed in")

// NewSampleServer returns an MCP server with one tool, one resource and one prompt, to see that all is well and to begin
// from. name and version are what it calls itself.
func NewSampleServer(name, version string) *server.MCPServer {
	s := server.NewMCPServer(name, version,
		server.WithInstructions("Greets people, tells who is signed in, and helps to ask about a topic."),
		server.WithToolCapabilities(false),
		server.WithResourceCapabilities(false, false),
		server.WithPromptCapabilities(false),
		server.WithRecovery(),
		server.WithResourceRecovery(),
	)
	s.AddTool(greetTool(), greet)
	s.AddResource(profileResource(), profile)
	s.AddPrompt(askPrompt(), askAboutTopic)
	return s
}

func greetTool() mcpgo.Tool {
	return mcpgo.NewTool("greet",
		mcpgo.WithDescription("Greets somebody by name."),
		mcpgo.WithString("name", mcpgo.Required(), mcpgo.Description("Who is greeted.")),
		mcpgo.WithReadOnlyHintAnnotation(true),
		mcpgo.WithDestructiveHintAnnotation(false),
		mcpgo.WithIdempotentHintAnnotation(true),
		mcpgo.WithOpenWorldHintAnnotation(false),
	)
}

func greet(_ context.Context, request mcpgo.CallToolRequest) (*mcpgo.CallToolResult, error) {
	name, err := request.RequireString("name")
	if err != nil {
		return mcpgo.NewToolResultError(err.Error()), nil
	}
	return mcpgo.NewToolResultText("Hello! " + name), nil
}

func profileResource() mcpgo.Resource {
	return mcpgo.NewResource(profileURI, "profile",
		mcpgo.WithResourceDescription("Who is signed in: name, e-mail address and subject."),
		mcpgo.WithMIMEType(jsonType),
	)
}

// profile tells what the provider said about the caller. What it did not say is empty.
func profile(ctx context.Context, _ mcpgo.ReadResourceRequest) ([]mcpgo.ResourceContents, error) {
	caller, ok := verifier.PrincipalFrom(ctx)
	if !ok {
		return nil, errNoCaller
	}
	who := caller.Identity()
	text, err := json.Marshal(struct {
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
		Email     string `json:"email"`
		Subject   string `json:"sub"`
	}{who.GivenName, who.FamilyName, who.Email, caller.Subject()})
	if err != nil {
		return nil, fmt.Errorf("mcp: write the profile: %w", err)
	}
	return []mcpgo.ResourceContents{mcpgo.TextResourceContents{URI: profileURI, MIMEType: jsonType, Text: string(text)}}, nil
}

func askPrompt() mcpgo.Prompt {
	return mcpgo.NewPrompt("ask_about_topic",
		mcpgo.WithPromptDescription("Asks for detailed information on a topic."),
		mcpgo.WithArgument("topic", mcpgo.ArgumentDescription("What to ask about."), mcpgo.RequiredArgument()),
	)
}

func askAboutTopic(_ context.Context, request mcpgo.GetPromptRequest) (*mcpgo.GetPromptResult, error) {
	topic := request.Params.Arguments["topic"]
	if topic == "" {
		return nil, errors.New("the argument topic is missing")
	}
	question := mcpgo.NewTextContent("Please give me detailed information on ```" + topic + "```")
	return mcpgo.NewGetPromptResult("A question about a topic",
		[]mcpgo.PromptMessage{mcpgo.NewPromptMessage(mcpgo.RoleUser, question)}), nil
}
