package mcp_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/gatehouse-auth/gatehouse/edge/mcp"
)

// serve puts the endpoint on the network and returns its URL. The Host that clients send is the one of the resource.
func serve(t testing.TB, r *rig) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		request.Host = "localhost:8000"
		r.endpoint.ServeHTTP(w, request)
	}))
	t.Cleanup(web.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return web.URL + "/mcp"
}

// newPipe is a body of which nothing ever comes.
func newPipe(t *testing.T) io.Reader {
	t.Helper()
	reader, writer := io.Pipe()
	t.Cleanup(func() { _ = writer.Close() })
	return reader
}

// dial connects mcp-go's own client.
func dial(t *testing.T, url, version string, token func() string) *client.Client {
	t.Helper()
	c, err := client.NewStreamableHttpClient(url, transport.WithHTTPHeaderFunc(func(context.Context) map[string]string {
		return map[string]string{"Authorization": "Bearer " + token()}
	}), transport.WithHTTPBasicClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	client.WithProtocolVersion(version)(c)
	request := mcpgo.InitializeRequest{}
	request.Params.ProtocolVersion = version
	request.Params.ClientInfo = mcpgo.Implementation{Name: "test", Version: "0"}
	if _, err := c.Initialize(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	return c
}

// sampleRig is a rig with the sample server alone.
func sampleRig(t *testing.T) *rig {
	r := newRig(t)
	r.mcp = mcp.NewSampleServer("Sample", "1.2.3")
	r.build(t)
	return r
}

func TestTheClientOfMcpGoUsesTheSamples(t *testing.T) {
	forEveryVersion(t, func(t *testing.T, version string) {
		r := sampleRig(t)
		c := dial(t, serve(t, r), version, func() string { return "ada" })
		if got := c.ProtocolVersion(); got != version {
			t.Errorf("it speaks %q", got)
		}

		call := mcpgo.CallToolRequest{}
		call.Params.Name, call.Params.Arguments = "greet", map[string]any{"name": "Charles"}
		greeting, err := c.CallTool(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := greeting.Content[0].(mcpgo.TextContent); !ok || text.Text != "Hello! Charles" {
			t.Errorf("greet: %v", greeting.Content)
		}

		read := mcpgo.ReadResourceRequest{}
		read.Params.URI = "resource://profile"
		profile, err := c.ReadResource(t.Context(), read)
		if err != nil {
			t.Fatal(err)
		}
		contents, _ := profile.Contents[0].(mcpgo.TextResourceContents)
		var got map[string]string
		if err := json.Unmarshal([]byte(contents.Text), &got); err != nil || contents.MIMEType != "application/json" {
			t.Errorf("profile: %v %v", profile.Contents, err)
		}
		want := map[string]string{"first_name": "ada", "last_name": "of London", "email": "ada@example.com", "sub": "sub-ada"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}

		ask := mcpgo.GetPromptRequest{}
		ask.Params.Name, ask.Params.Arguments = "ask_about_topic", map[string]string{"topic": "engines"}
		prompt, err := c.GetPrompt(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := prompt.Messages[0].Content.(mcpgo.TextContent)
		if prompt.Messages[0].Role != mcpgo.RoleUser || text.Text != "Please give me detailed information on ```engines```" {
			t.Errorf("prompt: %v", prompt.Messages)
		}
	})
}

func TestTheSamplesAreListed(t *testing.T) {
	forEveryVersion(t, func(t *testing.T, version string) {
		c := dial(t, serve(t, sampleRig(t)), version, func() string { return "ada" })
		tools, err := c.ListTools(t.Context(), mcpgo.ListToolsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		resources, err := c.ListResources(t.Context(), mcpgo.ListResourcesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		prompts, err := c.ListPrompts(t.Context(), mcpgo.ListPromptsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		got := []any{len(tools.Tools), tools.Tools[0].Name, tools.Tools[0].InputSchema.Required, resources.Resources[0].URI, prompts.Prompts[0].Name}
		if diff := cmp.Diff([]any{1, "greet", []string{"name"}, "resource://profile", "ask_about_topic"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBadArgumentsAreTheCallersError(t *testing.T) {
	forEveryVersion(t, func(t *testing.T, version string) {
		c := dial(t, serve(t, sampleRig(t)), version, func() string { return "ada" })
		for _, arguments := range []any{nil, map[string]any{"name": 1}, map[string]any{"nam": "x"}} {
			call := mcpgo.CallToolRequest{}
			call.Params.Name, call.Params.Arguments = "greet", arguments
			if result, err := c.CallTool(t.Context(), call); err == nil && !result.IsError {
				t.Errorf("greet with %v: %v", arguments, result.Content)
			}
		}
		ask := mcpgo.GetPromptRequest{}
		ask.Params.Name = "ask_about_topic"
		if _, err := c.GetPrompt(t.Context(), ask); err == nil {
			t.Error("a question about nothing")
		}
	})
}

// Covers mcp-session-token-bind.
func TestAClientGoesOnAfterARefresh(t *testing.T) {
	forEveryVersion(t, func(t *testing.T, version string) {
		r := newRig(t)
		var current atomic.Value
		current.Store("ada")
		c := dial(t, serve(t, r), version, func() string { return current.Load().(string) })
		if _, err := c.ListTools(t.Context(), mcpgo.ListToolsRequest{}); err != nil {
			t.Fatal(err)
		}
		r.core.Issue("ada-2", token("ada"))
		r.core.Revoke("ada")
		if _, err := c.ListTools(t.Context(), mcpgo.ListToolsRequest{}); err == nil {
			t.Error("a revoked token was good")
		}
		current.Store("ada-2")
		if _, err := c.ListTools(t.Context(), mcpgo.ListToolsRequest{}); err != nil {
			t.Error(err)
		}
	})
}
