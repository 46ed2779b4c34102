// Package keycloak installs and runs a real Keycloak for tests, from the distribution that Maven Central carries.
// It needs Java and, for the first installation, Maven and tar; no container engine.
package keycloak

import (
	"context"
	"os"
	"path/filepath"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/cache"
)

// Version is the version that is installed.
const Version = "26.7.3"

const (
	artifact = "org.keycloak:keycloak-quarkus-dist:" + Version + ":tar.gz"
	archive  = "keycloak-quarkus-dist-" + Version + ".tar.gz"
)

// Distribution is a Keycloak in a cache folder, installed or not.
type Distribution struct {
	folder string
}

// NewDistribution returns the distribution of a cache folder, under a name that has the version.
func NewDistribution(cacheFolder string) Distribution {
	return Distribution{folder: filepath.Join(cacheFolder, "keycloak-"+Version)}
}

// Installed reports whether Install has nothing to do.
func (d Distribution) Installed() bool { return cache.Has(d.folder) }

// Install downloads, unpacks and builds the distribution, once.
func (d Distribution) Install(ctx context.Context) error {
	return cache.Fill(d.folder, func() error {
		err := cache.Run(ctx, d.folder, "mvn", "-q", "-B", "dependency:copy",
			"-Dartifact="+artifact, "-DoutputDirectory="+d.folder)
		if err != nil {
			return err
		}
		if err := cache.Run(ctx, d.folder, "tar", "-xzf", archive, "--strip-components=1"); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(d.folder, archive)); err != nil {
			return err
		}
		// The build bakes the options of a start in, so that starts take seconds. The database is H2, where Start says.
		return cache.Run(ctx, d.folder, d.script(), "build", "--db=dev-mem")
	})
}

func (d Distribution) script() string { return filepath.Join(d.folder, "bin", "kc.sh") }
