// Package program builds and runs the gatehouse binary for tests, and other long-running programs beside it.
package program

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binary returns the path of the gatehouse binary. It is $GATEHOUSE_E2E_BINARY when that is set, and else built from
// this module into dir.
func Binary(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("GATEHOUSE_E2E_BINARY"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(dir, "gatehouse")
	const main = "github.com/gatehouse-auth/gatehouse/cmd/gatehouse"
	output, err := exec.CommandContext(ctx, "go", "build", "-o", path, main).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("program: go build %s: %w\n%s", main, err, output)
	}
	return path, nil
}
