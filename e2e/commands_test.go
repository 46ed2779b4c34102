package e2e

import (
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
