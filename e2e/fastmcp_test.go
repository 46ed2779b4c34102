package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/cache"
)

const (
	fastmcpVersion = "4.1.2"
	// fastmcpPart is the variable that asks for this part.
	fastmcpPart = "GATEHOUSE_E2E_PYTHON"
)

// TestFastMCPClient lets the client of FastMCP log in, come back with its stored token, and log in as the public demo
// does, which keeps nothing.
func TestFastMCPClient(t *testing.T) {
	python := fastmcpPython(t)
	d := startBuiltIn(t)
	store := t.TempDir()
	for _, test := range []struct {
		name, mode, store string
		logins            int
	}{
		{"the first time", "auto", store, 1},
		{"with its stored token", "auto", store, 0},
		{"with its stored token and the older protocol", "legacy", store, 0},
		{"as the public demo", "auto", "", 1},
		{"as the public demo with the older protocol", "legacy", "", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := []string{d.resource(), test.mode}
			if test.store != "" {
				args = append(args, test.store)
			}
			script := filepath.Join("testdata", "fastmcp_client.py")
			output, logins := d.runWithBrowser(t, python, append([]string{script}, args...)...)
			var got struct{ Version, Greeting, Profile, Prompt string }
			if err := json.Unmarshal(output, &got); err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			if got.Greeting != "Hello! Ada" || got.Profile == "" || !strings.Contains(got.Prompt, "OAuth") {
				t.Errorf("the client got %+v", got)
			}
			if logins != test.logins {
				t.Errorf("the browser was opened %d times, want %d", logins, test.logins)
			}
			t.Logf("protocol version %s", got.Version)
		})
	}
	d.noteStoredTokens(t, store)
}

// TestFastMCPClientStays lets the client of FastMCP work for longer than its access tokens live. It refreshes by itself, and
// its user is not asked again.
func TestFastMCPClientStays(t *testing.T) {
	const accessLife, stay = 20, 50 // seconds
	python := fastmcpPython(t)
	settings := map[string]string{"GATEHOUSE_ACCESS_TOKEN_TTL": fmt.Sprintf("%ds", accessLife)}
	for name, start := range map[string]func(*testing.T) *deployment{
		"one process": func(t *testing.T) *deployment { t.Helper(); return startBuiltIn(t, settings) },
		"two replicas": func(t *testing.T) *deployment {
			t.Helper()
			return startReplicas(t, replicaOptions{env: settings}).deployment
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t)
			for _, mode := range []string{"auto", "legacy"} {
				t.Run(mode, func(t *testing.T) {
					t.Parallel()
					script := filepath.Join("testdata", "fastmcp_stays.py")
					output, logins := d.runWithBrowser(t, python, script, d.resource(), mode, fmt.Sprint(stay))
					var got struct{ Calls int }
					if err := json.Unmarshal(output, &got); err != nil || got.Calls < stay/2 {
						t.Errorf("%d calls, %v: %s", got.Calls, err, output)
					}
					if logins != 1 {
						t.Errorf("the browser was opened %d times, want once", logins)
					}
				})
			}
		})
	}
}

// noteStoredTokens adds the tokens that a client has stored as JSON.
func (d *deployment) noteStoredTokens(t *testing.T, folder string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range storedToken.FindAllSubmatch(content, -1) {
			d.secrets.Add(strings.ReplaceAll(string(match[1]), "_", " "), string(match[2]))
			found++
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d tokens in the client's store, %v", found, err)
	}
}

var storedToken = regexp.MustCompile(`"(access_token|refresh_token)":\s*"([^"]+)"`)

// fastmcpPython returns a Python that has FastMCP, from a virtual environment of its own.
func fastmcpPython(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(cacheDir(t), "fastmcp-"+fastmcpVersion)
	if !cache.Has(folder) && !wanted(fastmcpPart) {
		missing(t, fastmcpPart, "no FastMCP "+fastmcpVersion+" is installed",
			"install Python 3.11 or newer with venv, and set "+fastmcpPart+"=1 to download it with pip once")
	}
	python := filepath.Join(folder, "bin", "python")
	err := cache.Fill(folder, func() error {
		if err := cache.Run(t.Context(), folder, "python3", "-m", "venv", folder); err != nil {
			return err
		}
		return cache.Run(t.Context(), folder, python, "-m", "pip", "install", "--quiet", "fastmcp=="+fastmcpVersion)
	})
	if err != nil {
		t.Fatal(err)
	}
	return python
}
