package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/config"
)

func TestDevStaysOnThisMachine(t *testing.T) {
	t.Setenv("GATEHOUSE_HTTP_ADDR", "0.0.0.0:0")
	t.Setenv("GATEHOUSE_GRPC_ADDR", "127.0.0.1:0")
	t.Setenv("GATEHOUSE_DEV_IDP_ADDR", "127.0.0.1:0")
	t.Setenv("MCP_SERVER_BASE_URL", "https://mcp.example.com")
	t.Setenv("GATEHOUSE_DATA_DIR", t.TempDir())
	err := runDev(t.Context(), terminal{Out: new(bytes.Buffer), Err: os.Stderr}, nil)
	if err == nil || !strings.Contains(err.Error(), "GATEHOUSE_HTTP_ADDR") || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("got %v", err)
	}
}

func TestWelcomeHasALineForEachCommonClient(t *testing.T) {
	var out bytes.Buffer
	welcome(&out, &config.Config{BaseURL: "http://127.0.0.1:8000", ResourcePath: "/mcp"})
	for _, client := range []string{"Claude Code", "Codex", "VS Code", "Cursor", "Gemini CLI", "MCP Inspector"} {
		if !strings.Contains(out.String(), "\n  "+client+" ") {
			t.Errorf("%s is missing in\n%s", client, out.String())
		}
	}
}
