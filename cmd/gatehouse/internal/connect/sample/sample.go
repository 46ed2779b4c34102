// Package sample calls the three samples that a fresh Gatehouse offers, as any MCP client would.
package sample

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
)

// Names of the samples.
const (
	Tool     = "greet"
	Resource = "resource://profile"
	Prompt   = "ask_about_topic"
)

// Greet calls the tool and returns its text.
func Greet(ctx context.Context, c *client.Client, name string) (string, error) {
	request := mcp.CallToolRequest{}
	request.Params.Name = Tool
	request.Params.Arguments = map[string]any{"name": name}
	result, err := c.CallTool(ctx, request)
	if err != nil {
		return "", fmt.Errorf("%s: %w", Tool, err)
	}
	text := textOf(result.Content)
	if result.IsError {
		return "", errors.New(Tool + ": " + text)
	}
	return text, nil
}

// Profile reads the resource and returns its text.
func Profile(ctx context.Context, c *client.Client) (string, error) {
	request := mcp.ReadResourceRequest{}
	request.Params.URI = Resource
	result, err := c.ReadResource(ctx, request)
	if err != nil {
		return "", fmt.Errorf("%s: %w", Resource, err)
	}
	for _, content := range result.Contents {
		if text, ok := content.(mcp.TextResourceContents); ok {
			return text.Text, nil
		}
	}
	return "", errors.New(Resource + ": no text came")
}

// AskAboutTopic gets the prompt and returns the text of its messages.
func AskAboutTopic(ctx context.Context, c *client.Client, topic string) (string, error) {
	request := mcp.GetPromptRequest{}
	request.Params.Name = Prompt
	request.Params.Arguments = map[string]string{"topic": topic}
	result, err := c.GetPrompt(ctx, request)
	if err != nil {
		return "", fmt.Errorf("%s: %w", Prompt, err)
	}
	contents := make([]mcp.Content, 0, len(result.Messages))
	for _, message := range result.Messages {
		contents = append(contents, message.Content)
	}
	return textOf(contents), nil
}

func textOf(contents []mcp.Content) string {
	var texts []string
	for _, content := range contents {
		if text, ok := content.(mcp.TextContent); ok {
			texts = append(texts, text.Text)
		}
	}
	return strings.Join(texts, "\n")
}
