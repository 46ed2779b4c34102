package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// missing skips a test whose tools are not there, and says how to make it run. When the caller asked for the part by its
// variable, or for everything with GATEHOUSE_E2E_REQUIRE=1, as CI does, it fails the test instead: what was not run was
// not tested.
func missing(t *testing.T, part, why, remedy string) {
	t.Helper()
	if wanted(part) || wanted("GATEHOUSE_E2E_REQUIRE") {
		t.Fatalf("NOT RUN: %s. To run it: %s", why, remedy)
	}
	t.Skipf("NOT RUN: %s. To run it: %s", why, remedy)
}

// wanted reports whether the caller of the tests asked for a part.
func wanted(variable string) bool { return os.Getenv(variable) == "1" }

// cacheDir is where downloads are kept between runs.
func cacheDir(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("GATEHOUSE_E2E_CACHE"); dir != "" {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			t.Fatal(err)
		}
		return absolute
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		missing(t, "GATEHOUSE_E2E_CACHE", "there is no cache folder: "+err.Error(), "set GATEHOUSE_E2E_CACHE to a folder")
	}
	return filepath.Join(dir, "gatehouse-e2e")
}
