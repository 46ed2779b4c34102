package clients

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os/exec"
	"strings"
	"testing"
)

const address = "https://mcp.example.com/mcp"

func find(t *testing.T, commands []Command, id string) Command {
	t.Helper()
	for _, c := range commands {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no command %q", id)
	return Command{}
}

func TestCommandsAreWhatTheClientsDocument(t *testing.T) {
	want := map[string]string{
		"claude-code": "claude mcp add --transport http notes https://mcp.example.com/mcp",
		"codex":       "codex mcp add notes --url https://mcp.example.com/mcp",
		"vscode":      `code --add-mcp '{"name":"notes","type":"http","url":"https://mcp.example.com/mcp"}'`,
		"cursor":      "{\n  \"mcpServers\": {\n    \"notes\": {\n      \"url\": \"https://mcp.example.com/mcp\"\n    }\n  }\n}",
		"gemini":      "gemini mcp add --transport http notes https://mcp.example.com/mcp",
		"claude":      address,
		"chatgpt":     address,
		"inspector":   "npx @modelcontextprotocol/inspector --server-url https://mcp.example.com/mcp --transport http",
		"gatehouse":   "gatehouse connect https://mcp.example.com/mcp",
	}
	commands := Commands("Notes", address)
	if len(commands) != len(want) {
		t.Errorf("%d commands, want %d", len(commands), len(want))
	}
	for id, text := range want {
		if got := find(t, commands, id).Text; got != text {
			t.Errorf("%s:\n got %s\nwant %s", id, got, text)
		}
	}
	if got := find(t, commands, "codex").Then; got != "codex mcp login notes" {
		t.Errorf("codex login = %q", got)
	}
}

func TestClientsWithAnInstallerHaveALineForTheTerminal(t *testing.T) {
	commands := Commands("Notes", address)
	link := find(t, commands, "cursor").Install
	for system, want := range map[string]string{
		"linux":   "xdg-open '" + link + "'",
		"freebsd": "xdg-open '" + link + "'",
		"darwin":  "open '" + link + "'",
		"windows": "start '" + link + "'",
	} {
		if got := find(t, commands, "cursor").Line(system); got != want {
			t.Errorf("%s: %s, want %s", system, got, want)
		}
		if c := find(t, commands, "vscode"); c.Line(system) != c.Text {
			t.Errorf("%s: a client's own command became %s", system, c.Line(system))
		}
		if got := find(t, commands, "chatgpt").Line(system); got != "" {
			t.Errorf("%s: an address became %s", system, got)
		}
	}
}

func TestInstallLinksCarryTheServer(t *testing.T) {
	commands := Commands("Notes", address)

	link, err := url.Parse(find(t, commands, "cursor").Install)
	if err != nil || link.Scheme != "cursor" || link.Query().Get("name") != "notes" {
		t.Fatalf("cursor link %v: %v", link, err)
	}
	config, err := base64.StdEncoding.DecodeString(link.Query().Get("config"))
	if err != nil || string(config) != `{"url":"https://mcp.example.com/mcp"}` {
		t.Errorf("cursor config %s: %v", config, err)
	}

	escaped, ok := strings.CutPrefix(find(t, commands, "vscode").Install, "vscode:mcp/install?")
	if !ok {
		t.Fatal("vscode link has another form")
	}
	decoded, err := url.PathUnescape(escaped)
	if err != nil {
		t.Fatal(err)
	}
	var server remote
	if err := json.Unmarshal([]byte(decoded), &server); err != nil || server.URL != address || server.Type != "http" {
		t.Errorf("vscode server %+v: %v", server, err)
	}
}

func TestNamesAreReducedToWhatEveryClientAccepts(t *testing.T) {
	for name, want := range map[string]string{
		"Notes":                "notes",
		"Team Notes (staging)": "team-notes-staging",
		"  --x  ":              "x",
		"Größe":                "gr-e",
		"日本":                   fallbackName,
		"":                     fallbackName,
	} {
		if got := slug(name); got != want {
			t.Errorf("slug(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzShellQuoteIsOneWord(f *testing.F) {
	for _, seed := range []string{"", address, "it's", "https://h/mcp?a=1&b=$(id)", "`x`", "a\nb", `\`, "~", "#"} {
		f.Add(seed)
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("no shell")
	}
	f.Fuzz(func(t *testing.T, word string) {
		if strings.ContainsRune(word, 0) {
			t.Skip("no shell word holds a NUL")
		}
		out, err := exec.CommandContext(t.Context(), shell, "-c", "printf '%s' "+shellQuote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("shell reads %q as %q: %v", word, out, err)
		}
	})
}
