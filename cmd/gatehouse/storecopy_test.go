package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// shell runs a command on a data directory, and returns what it printed and the exit code.
func shell(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	t.Setenv("GATEHOUSE_DATA_DIR", dir)
	var out bytes.Buffer
	code := run(t.Context(), args, terminal{Out: &out, Err: &out})
	return out.String(), code
}

func wantPrinted(t *testing.T, printed string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(printed, text) {
			t.Errorf("%q is not in what was printed:\n%s", text, printed)
		}
	}
}

func TestStoreIsSeededOnceAndCopied(t *testing.T) {
	dir, copied := t.TempDir(), "sqlite:"+filepath.Join(t.TempDir(), "copy.db")
	printed, code := shell(t, dir, "store", "seed", "--grants", "30")
	if code != exitOK {
		t.Fatalf("exit code %d\n%s", code, printed)
	}
	wantPrinted(t, printed, "30 grants, 15 users, 15 clients", "for each grant")
	if printed, code = shell(t, dir, "store", "seed", "--grants", "30"); code != exitFailure {
		t.Errorf("a store with grants: exit code %d\n%s", code, printed)
	}
	if printed, code = shell(t, dir, "store", "seed", "--force", "--grants", "5", "--users", "1"); code != exitOK {
		t.Errorf("with force: exit code %d\n%s", code, printed)
	}

	original := "sqlite:" + filepath.Join(dir, "gatehouse.db")
	for range 2 { // which may be repeated
		printed, code = shell(t, dir, "store", "copy", "--from", original, "--to", copied)
		if code != exitOK {
			t.Fatalf("exit code %d\n%s", code, printed)
		}
		wantPrinted(t, printed, "No server may run", "verified  35 rows, digest", "hold the same", "sealing key")
	}
	if printed, code = shell(t, dir, "store", "seed", "--force", "--grants", "1"); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, printed)
	}
	printed, code = shell(t, dir, "store", "copy", "--from", copied, "--to", original)
	if code != exitFailure {
		t.Errorf("onto a store with other rows: exit code %d", code)
	}
	wantPrinted(t, printed, "the target holds other rows")
}

func TestStoreCopyTellsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		tell string
	}{
		{[]string{"--from", "sqlite:a"}, exitUsage, "--to URL"},
		{[]string{"--from", "mysql://a", "--to", "sqlite:b"}, exitUsage, "--from: "},
		{[]string{"--from", "postgres://me:hunter2@db.invalid/x", "--to", "sqlite:b"}, exitUsage, "sslmode=verify-full"},
		{[]string{"--from", "sqlite:" + filepath.Join(dir, "missing.db"), "--to", "sqlite:b"}, exitFailure, "no such file"},
		{[]string{"--from", "postgres://me:hunter2@127.0.0.1:1/x", "--to", "sqlite:b"}, exitFailure, "connection refused"},
	} {
		printed, code := shell(t, dir, append([]string{"store", "copy"}, c.args...)...)
		if code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.args, code, c.code)
		}
		wantPrinted(t, printed, c.tell)
		if strings.Contains(printed, "hunter2") {
			t.Errorf("the password is printed: %s", printed)
		}
	}
}
