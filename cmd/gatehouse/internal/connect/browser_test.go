package connect

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBrowserCommands(t *testing.T) {
	const address = "http://h/authorize?a=b&c=%20d;rm"
	tests := map[string]struct {
		browser Browser
		want    [][]string
	}{
		"Linux":                         {Browser{OS: "linux"}, [][]string{{"xdg-open", address}}},
		"another Unix":                  {Browser{OS: "freebsd"}, [][]string{{"xdg-open", address}}},
		"macOS":                         {Browser{OS: "darwin"}, [][]string{{"open", address}}},
		"Windows":                       {Browser{OS: "windows"}, [][]string{{"rundll32", "url.dll,FileProtocolHandler", address}}},
		"BROWSER wins":                  {Browser{Command: "firefox", OS: "darwin"}, [][]string{{"firefox", address}}},
		"BROWSER with words":            {Browser{Command: "firefox -P dev"}, [][]string{{"firefox", "-P", "dev", address}}},
		"BROWSER with a place":          {Browser{Command: "w3m %s -o x=%s"}, [][]string{{"w3m", address, "-o", "x=" + address}}},
		"BROWSER with alternatives":     {Browser{Command: "a::b %s"}, [][]string{{"a", address}, {"b", address}}},
		"BROWSER of nothing":            {Browser{Command: " : ", OS: "linux"}, [][]string{{"xdg-open", address}}},
		"BROWSER with a drive, Windows": {Browser{Command: `C:\b.exe;x`, OS: "windows"}, [][]string{{`C:\b.exe`, address}, {"x", address}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.browser.commands(address)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBrowseTriesTheNextAndReportsAll(t *testing.T) {
	missing := t.TempDir() + "/none"
	if err := (Browser{Command: missing + ":true"}).Browse(t.Context(), "http://h/"); err != nil {
		t.Error(err)
	}
	if err := (Browser{Command: missing}).Browse(t.Context(), "http://h/"); err == nil {
		t.Error("a browser that is not there was started")
	}
}
