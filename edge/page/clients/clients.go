// Package clients knows how people add a remote MCP server to the clients in common use. The home page and the command
// line print the same commands, so that an instruction is corrected in one place.
package clients

// Kind says where the text of a Command goes.
type Kind int

const (
	// Shell is a line for a POSIX shell.
	Shell Kind = iota
	// File is the content of a configuration file.
	File
	// Address is the URL itself, to be pasted into a form.
	Address
)

// Self is the ID of the command of this project's own client.
const Self = "gatehouse"

// Command is one way to add the server to one client.
type Command struct {
	// ID names the command in lower case, for links and tests.
	ID string
	// Client is the name of the client.
	Client string
	// Kind says what Text is.
	Kind Kind
	// Where says where Text goes: "Terminal", a file name, or the path through a settings menu.
	Where string
	// Text is ready to be copied.
	Text string
	// Then is the shell line that comes next. Empty when there is none.
	Then string
	// Install is a link that the client's installer opens. Empty when it has none.
	Install string
	// Note says what to look out for. Often empty.
	Note string
}

// Line returns one line for a terminal that adds the server: the client's own command, or one by which the operating
// system, named as in runtime.GOOS, opens the client's installer. Empty when the client has neither.
func (c Command) Line(system string) string {
	switch {
	case c.Kind == Shell:
		return c.Text
	case c.Install == "":
		return ""
	case system == "darwin":
		return "open " + shellQuote(c.Install)
	case system == "windows":
		return "start " + shellQuote(c.Install)
	default:
		return "xdg-open " + shellQuote(c.Install)
	}
}

// Commands returns the commands that add the server at mcpURL, most used clients first. The name becomes the server's
// name in the client, reduced to what all of them accept: lower case letters, digits, and hyphens.
func Commands(name, mcpURL string) []Command {
	name = slug(name)
	url := shellQuote(mcpURL)
	hosted := "Works only where this address can be reached from the internet."
	return []Command{
		{
			ID: "claude-code", Client: "Claude Code", Kind: Shell, Where: "Terminal",
			Text: "claude mcp add --transport http " + name + " " + url,
			Note: "To sign in, type /mcp in Claude Code.",
		},
		{
			ID: "codex", Client: "Codex", Kind: Shell, Where: "Terminal",
			Text: "codex mcp add " + name + " --url " + url,
			Then: "codex mcp login " + name,
		},
		{
			ID: "vscode", Client: "VS Code", Kind: Shell, Where: "Terminal",
			Text:    "code --add-mcp " + shellQuote(vscodeServer(name, mcpURL)),
			Install: vscodeLink(name, mcpURL),
		},
		{
			ID: "cursor", Client: "Cursor", Kind: File, Where: "~/.cursor/mcp.json",
			Text:    cursorFile(name, mcpURL),
			Install: cursorLink(name, mcpURL),
		},
		{
			ID: "gemini", Client: "Gemini CLI", Kind: Shell, Where: "Terminal",
			Text: "gemini mcp add --transport http " + name + " " + url,
			Note: "To sign in, type /mcp auth " + name + " in Gemini CLI.",
		},
		{
			ID: "claude", Client: "Claude on the web and desktop", Kind: Address,
			Where: "Customize → Connectors → Add custom connector",
			Text:  mcpURL, Note: hosted,
		},
		{
			ID: "chatgpt", Client: "ChatGPT", Kind: Address,
			Where: "Plugins or Apps, in developer mode → Add custom MCP server",
			Text:  mcpURL, Note: hosted,
		},
		{
			ID: "inspector", Client: "MCP Inspector", Kind: Shell, Where: "Terminal",
			Text: "npx @modelcontextprotocol/inspector --server-url " + url + " --transport http",
		},
		{
			ID: Self, Client: "Gatehouse itself, to try the login", Kind: Shell, Where: "Terminal",
			Text: "gatehouse connect " + url,
		},
	}
}
