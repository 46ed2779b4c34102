// Package postgrestest runs a PostgreSQL of its own for tests, from the binaries that the system has installed: nothing
// is downloaded, no running server is touched, and no port is taken, since it listens on a socket in a new directory.
//
// Tests that need one are skipped where the binaries are missing. GATEHOUSE_E2E_POSTGRES=1 makes them fail instead,
// so that a pipeline cannot lose them unnoticed.
package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// errMissing means that a program is not installed.
var errMissing = errors.New("not installed")

// need fails or skips a test that lacks something, and says how to get it.
func need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errMissing) && os.Getenv("GATEHOUSE_E2E_POSTGRES") != "1": //nolint:forbidigo // for tests only
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// binaries returns the directory with initdb and pg_ctl, of the newest version.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("PostgreSQL is %w: apt-get install postgresql", errMissing)
	}
	slices.SortFunc(found, func(a, b string) int { // 15 before 9.6
		return len(a) - len(b) + strings.Compare(a, b)
	})
	return filepath.Dir(found[len(found)-1]), nil
}
