package main

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

func TestStoreMigratesUpAndDown(t *testing.T) {
	server := postgrestest.Start(t)
	t.Setenv("GATEHOUSE_STORE_URL", server.URL(server.Database(t)))
	dir := t.TempDir()
	migrate := func(arguments ...string) string {
		t.Helper()
		printed, code := shell(t, dir, append([]string{"store", "migrate"}, arguments...)...)
		if code != exitOK {
			t.Fatalf("exit code %d\n%s", code, printed)
		}
		return printed
	}
	newest := migrate()
	if again := migrate(); again != newest {
		t.Errorf("up to date: printed %q after %q", again, newest)
	}
	if printed, code := shell(t, dir, "store", "migrate", "down"); code == exitOK || !strings.Contains(printed, "--yes") {
		t.Errorf("down unasked: exit code %d, %s", code, printed)
	}
	if again := migrate(); again != newest {
		t.Errorf("after a down that nobody confirmed: printed %q, want %q", again, newest)
	}
	if before := migrate("down", "--yes"); before == newest || !strings.HasPrefix(before, "The schema is version ") {
		t.Errorf("down: printed %q after %q", before, newest)
	}
	if again := migrate(); again != newest {
		t.Errorf("up again: printed %q, want %q", again, newest)
	}
}

func TestStoreMigrateTellsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		url  string
		args []string
		code int
		tell string
	}{
		{"", nil, exitFailure, "only a backup leads back"},
		{"", []string{"sideways"}, exitUsage, "store migrate [down]"},
		{"postgres://me:hunter2@127.0.0.1:1/x", []string{"down", "--yes"}, exitFailure, "connection refused"},
	} {
		t.Setenv("GATEHOUSE_STORE_URL", c.url)
		printed, code := shell(t, dir, append([]string{"store", "migrate"}, c.args...)...)
		if code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.args, code, c.code)
		}
		wantPrinted(t, printed, c.tell)
		if strings.Contains(printed, "hunter2") {
			t.Errorf("the password is printed: %s", printed)
		}
	}
}
