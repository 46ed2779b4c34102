package bench

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkBinary measures the binary as it is built for users.
func BenchmarkBinary(b *testing.B) {
	path := filepath.Join(b.TempDir(), "gatehouse")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", path, "github.com/gatehouse-auth/gatehouse/cmd/gatehouse")
	if output, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	b.Run("StartUp", func(b *testing.B) { benchmarkStartUp(b, path) })
	b.Run("Logins", func(b *testing.B) { benchmarkLogins(b, path) })
	b.Run("VerifyToken", func(b *testing.B) { benchmarkVerifyToken(b, path) })
	b.Run("ToolsCall", func(b *testing.B) { benchmarkToolsCall(b, path) })
	b.Run("RefreshOverHTTP", func(b *testing.B) { benchmarkRefreshOverHTTP(b, path) })
	b.Run("Grants", func(b *testing.B) { benchmarkGrants(b, path) })
}
