package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/mcpclient"
)

// The samples of the demo server, which gatehouse serves when nothing else is behind it.
const (
	sampleTool     = "greet"
	sampleResource = "resource://profile"
	samplePrompt   = "ask_about_topic"
)

// servesMCP tests a version with a handshake.
func servesMCP(version string) func(*testing.T, *deployment) {
	return func(t *testing.T, d *deployment) {
		c := d.mcp(version, d.connect(t, d.alice).access)
		reply, err := c.Initialize(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var handshake struct{ ProtocolVersion string }
		if err := reply.Decode(&handshake); err != nil {
			t.Fatal(err)
		}
		if handshake.ProtocolVersion != version {
			t.Errorf("the server speaks %s", handshake.ProtocolVersion)
		}
		if c.Session == "" {
			t.Error("no Mcp-Session-Id")
		}
		useSamples(t, c)
	}
}

func servesStatelessMCP(t *testing.T, d *deployment) {
	c := d.mcp(mcpclient.Stateless, d.connect(t, d.alice).access)
	reply, err := c.Call(t.Context(), "server/discover", nil)
	if err != nil {
		t.Fatal(err)
	}
	var discovered struct{ SupportedVersions []string }
	if err := reply.Decode(&discovered); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(discovered.SupportedVersions, mcpclient.Stateless) {
		t.Errorf("server/discover names %q", discovered.SupportedVersions)
	}
	if id := reply.Header.Get("Mcp-Session-Id"); id != "" {
		t.Error("the server assigned a session, which this version does not have")
	}
	useSamples(t, c)
}

// useSamples lists and uses each of the three samples.
func useSamples(t *testing.T, c *mcpclient.Client) {
	t.Helper()
	for _, step := range []struct {
		method string
		params map[string]any
		want   string
	}{
		{"tools/list", nil, `"` + sampleTool + `"`},
		{"tools/call", map[string]any{"name": sampleTool, "arguments": map[string]any{"name": "Ada"}}, "Hello! Ada"},
		{"resources/list", nil, sampleResource},
		{"resources/read", map[string]any{"uri": sampleResource}, sampleResource},
		{"prompts/list", nil, `"` + samplePrompt + `"`},
		{"prompts/get", map[string]any{"name": samplePrompt, "arguments": map[string]any{"topic": "OAuth"}}, "OAuth"},
	} {
		reply, err := c.Call(t.Context(), step.method, step.params)
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status != http.StatusOK || reply.Error != nil || !strings.Contains(string(reply.Result), step.want) {
			t.Errorf("%s: %s", step.method, reply)
		}
	}
}

// sessionIsNoCredential: whoever has only the session id, or another user's token, has nothing.
func sessionIsNoCredential(t *testing.T, d *deployment) {
	owner := d.mcp("2025-11-25", d.connect(t, d.alice).access)
	if _, err := owner.Initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	thief := d.mcp("2025-11-25", "")
	thief.Session = owner.Session
	reply, err := thief.Call(t.Context(), "tools/list", nil)
	if err != nil {
		t.Fatal(err)
	}
	if reply.Status != http.StatusUnauthorized {
		t.Errorf("a session id without a token: %s", reply)
	}
	thief.Token = d.connect(t, d.bob).access
	reply, err = thief.Call(t.Context(), "tools/list", nil)
	if err != nil {
		t.Fatal(err)
	}
	if reply.Status == http.StatusOK {
		t.Errorf("the session of another user: %s", reply)
	}
}

// greet calls the sample tool and returns its answer.
func (d *deployment) greet(t *testing.T, token string) string {
	t.Helper()
	reply, err := d.mcp(mcpclient.Stateless, token).Call(t.Context(), "tools/call",
		map[string]any{"name": sampleTool, "arguments": map[string]any{"name": "Ada"}})
	if err != nil {
		t.Fatal(err)
	}
	return string(reply.Result)
}

// mcpStatus is the status that a token gets at the endpoint.
func (d *deployment) mcpStatus(t *testing.T, token string) int {
	t.Helper()
	reply, err := d.mcp(mcpclient.Stateless, token).Call(t.Context(), "tools/list", nil)
	if err != nil {
		t.Fatal(err)
	}
	return reply.Status
}
