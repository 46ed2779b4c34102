// Package keycloak installs and runs a real Keycloak for tests, from the distribution that Maven Central carries.
// It needs Java and, for the first installation, Maven and tar; no container engine.
package keycloak

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Version is the version that is installed.
const Version = "26.7.3"

const (
	artifact = "org.keycloak:keycloak-quarkus-dist:" + Version + ":tar.gz"
	archive  = "keycloak-quarkus-dist-" + Version + ".tar.gz"
	// built marks an installation that is complete. It is made last.
	built = "gatehouse-e2e-built"
)

// Distribution is a Keycloak in a cache folder, keyed by its version.
type Distribution struct {
	cache string
}

// NewDistribution returns the distribution of a cache folder, installed or not.
func NewDistribution(cache string) Distribution { return Distribution{cache: cache} }

// Present reports whether installing needs no download.
func (d Distribution) Present() bool {
	return exists(filepath.Join(d.home(), built)) || exists(filepath.Join(d.cache, archive))
}

// Install downloads, unpacks and builds what is not there yet. Processes that share the cache take turns.
func (d Distribution) Install(ctx context.Context) error {
	if err := os.MkdirAll(d.cache, 0o755); err != nil {
		return fmt.Errorf("keycloak: %w", err)
	}
	unlock, err := lock(filepath.Join(d.cache, "keycloak.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if exists(filepath.Join(d.home(), built)) {
		return nil
	}
	if !exists(filepath.Join(d.cache, archive)) {
		err := run(ctx, d.cache, "mvn", "-q", "-B", "dependency:copy", "-Dartifact="+artifact, "-DoutputDirectory="+d.cache)
		if err != nil {
			return err
		}
	}
	if err := os.RemoveAll(d.home()); err != nil {
		return fmt.Errorf("keycloak: %w", err)
	}
	if err := run(ctx, d.cache, "tar", "-xzf", archive); err != nil {
		return err
	}
	// The build bakes the options of a start in, so that starts take seconds. The database lives in memory.
	if err := run(ctx, d.home(), filepath.Join(d.home(), "bin", "kc.sh"), "build", "--db=dev-mem"); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.home(), built), nil, 0o644)
}

func (d Distribution) home() string { return filepath.Join(d.cache, "keycloak-"+Version) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lock waits for an exclusive lock that ends with the process at the latest.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("keycloak: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("keycloak: lock %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("keycloak: %s: %w\n%s", filepath.Base(name), err, output)
	}
	return nil
}
