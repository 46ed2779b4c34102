package e2e

import (
	"crypto/rand"
	"os/exec"
	"strings"
	"testing"
)

// TestTour: a newcomer's first command needs nothing, and reports by its exit status.
func TestTour(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), binary, "tour")
	cmd.Dir = t.TempDir()
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// TestConnect: the second command logs in through the browser and shows the samples.
func TestConnect(t *testing.T) {
	d := startBuiltIn(t)
	output, logins := d.runWithBrowser(t, binary, "connect", d.resource())
	if logins != 1 {
		t.Errorf("the browser was opened %d times", logins)
	}
	for _, want := range []string{sampleTool, "Hello!", sampleResource, samplePrompt} {
		if !strings.Contains(string(output), want) {
			t.Errorf("the output lacks %q:\n%s", want, output)
		}
	}
}

// TestConfigShowsNoSecret: the settings are there to be pasted into a bug report.
func TestConfigShowsNoSecret(t *testing.T) {
	secret := rand.Text() + rand.Text()
	cmd := exec.CommandContext(t.Context(), binary, "config")
	cmd.Dir = t.TempDir()
	cmd.Env = []string{
		"KEYCLOAK_BASE_URL=https://sso.example.com", "KEYCLOAK_CLIENT_ID=mcp_server",
		"KEYCLOAK_CLIENT_SECRET=" + secret, "GATEHOUSE_ADMIN_TOKEN=" + secret,
	}
	output, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "https://sso.example.com") {
		t.Errorf("%v\n%s", err, output)
	}
	if strings.Contains(string(output), secret) {
		t.Error("the output has a secret")
	}
}
