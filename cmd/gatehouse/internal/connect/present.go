package connect

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/connect/sample"
)

// topic is what the sample prompt asks about.
const topic = "OAuth 2.1"

// entry is a tool, a resource or a prompt.
type entry struct{ name, description string }

// offer is one list of the server.
type offer struct {
	title   string
	entries []entry
}

// present prints what the server has: first its lists, then what the samples answer.
func (c *connection) present(ctx context.Context, mcpClient *client.Client, server *mcp.InitializeResult) error {
	name := strings.TrimSpace(server.ServerInfo.Name + " " + server.ServerInfo.Version)
	fmt.Fprintf(c.out, "\nConnected to %s, protocol version %s.\n", line(name), line(server.ProtocolVersion))
	tools, err := tools(ctx, mcpClient, server.Capabilities)
	if err != nil {
		return err
	}
	resources, err := resources(ctx, mcpClient, server.Capabilities)
	if err != nil {
		return err
	}
	prompts, err := prompts(ctx, mcpClient, server.Capabilities)
	if err != nil {
		return err
	}
	for _, list := range []offer{tools, resources, prompts} {
		list.print(c.out)
	}
	return c.callSamples(ctx, mcpClient, tools, resources, prompts)
}

func tools(ctx context.Context, mcpClient *client.Client, has mcp.ServerCapabilities) (offer, error) {
	list := offer{title: "Tools"}
	if has.Tools == nil {
		return list, nil
	}
	result, err := mcpClient.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return list, fmt.Errorf("the list of tools: %w", err)
	}
	for _, tool := range result.Tools {
		list.entries = append(list.entries, entry{tool.Name, tool.Description})
	}
	return list, nil
}

func resources(ctx context.Context, mcpClient *client.Client, has mcp.ServerCapabilities) (offer, error) {
	list := offer{title: "Resources"}
	if has.Resources == nil {
		return list, nil
	}
	result, err := mcpClient.ListResources(ctx, mcp.ListResourcesRequest{})
	if err != nil {
		return list, fmt.Errorf("the list of resources: %w", err)
	}
	for _, resource := range result.Resources {
		list.entries = append(list.entries, entry{resource.URI, resource.Description})
	}
	return list, nil
}

func prompts(ctx context.Context, mcpClient *client.Client, has mcp.ServerCapabilities) (offer, error) {
	list := offer{title: "Prompts"}
	if has.Prompts == nil {
		return list, nil
	}
	result, err := mcpClient.ListPrompts(ctx, mcp.ListPromptsRequest{})
	if err != nil {
		return list, fmt.Errorf("the list of prompts: %w", err)
	}
	for _, prompt := range result.Prompts {
		list.entries = append(list.entries, entry{prompt.Name, prompt.Description})
	}
	return list, nil
}

func (o offer) has(name string) bool {
	return slices.ContainsFunc(o.entries, func(e entry) bool { return e.name == name })
}

func (o offer) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s\n", o.title)
	if len(o.entries) == 0 {
		fmt.Fprintln(out, "  none")
		return
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, e := range o.entries {
		fmt.Fprintf(table, "  %s\t%s\n", line(e.name), line(e.description))
	}
	_ = table.Flush() // a reader that went away cannot be told about it
}

// callSamples calls those samples that the server offers.
func (c *connection) callSamples(ctx context.Context, mcpClient *client.Client, tools, resources, prompts offer) error {
	samples := []struct {
		offered bool
		title   string
		call    func() (string, error)
	}{
		{
			tools.has(sample.Tool), fmt.Sprintf("%s(name: %q)", sample.Tool, c.options.Name),
			func() (string, error) { return sample.Greet(ctx, mcpClient, c.options.Name) },
		},
		{
			resources.has(sample.Resource), sample.Resource,
			func() (string, error) { return sample.Profile(ctx, mcpClient) },
		},
		{
			prompts.has(sample.Prompt), fmt.Sprintf("%s(topic: %q)", sample.Prompt, topic),
			func() (string, error) { return sample.AskAboutTopic(ctx, mcpClient, topic) },
		},
	}
	for _, s := range samples {
		if !s.offered {
			continue
		}
		text, err := s.call()
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "\n%s\n", s.title)
		for part := range strings.Lines(text) {
			fmt.Fprintf(c.out, "  %s\n", line(part))
		}
	}
	return nil
}

// plain drops control characters from a server's text, which could tell the terminal what to do.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, text)
}

// line makes one plain line of a server's text.
func line(text string) string { return plain(strings.Join(strings.Fields(text), " ")) }
