package clients

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
)

// fallbackName is used when nothing of a name survives slug.
const fallbackName = "gatehouse"

// slug reduces a name to lower case letters, digits and single hyphens.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if s := strings.TrimSuffix(b.String(), "-"); s != "" {
		return s
	}
	return fallbackName
}

// shellQuote quotes a word for a POSIX shell, when it needs to be.
func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._/:@%+=,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// remote is a server entry as the editors write it.
type remote struct {
	Name string `json:"name,omitempty"`
	Type string `json:"type,omitempty"`
	URL  string `json:"url"`
}

func vscodeServer(name, mcpURL string) string {
	return compact(remote{Name: name, Type: "http", URL: mcpURL})
}

func vscodeLink(name, mcpURL string) string {
	return "vscode:mcp/install?" + url.PathEscape(vscodeServer(name, mcpURL))
}

func cursorFile(name, mcpURL string) string {
	return encode(map[string]any{"mcpServers": map[string]remote{name: {URL: mcpURL}}}, "  ")
}

func cursorLink(name, mcpURL string) string {
	query := url.Values{
		"name":   {name},
		"config": {base64.StdEncoding.EncodeToString([]byte(compact(remote{URL: mcpURL})))},
	}
	return "cursor://anysphere.cursor-deeplink/mcp/install?" + query.Encode()
}

func compact(value any) string { return encode(value, "") }

// encode writes JSON for people to read: without the escapes that json.Marshal adds for HTML.
func encode(value any, indent string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		panic(err) // Strings and maps of strings always encode.
	}
	return strings.TrimSuffix(b.String(), "\n")
}
