package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// filled makes a database with grants and closes it.
func filled(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gatehouse.db")
	store, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	err = store.write(t.Context(), "fill", func(tx *session) error { return insertGrants(tx, 20) })
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// spoil runs statements that no store would.
func spoil(t *testing.T, path string, statements ...string) {
	t.Helper()
	pool := testPool(t, path)
	for _, statement := range statements {
		if _, err := pool.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	steps, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, path string)
		want   string // nothing when all is well
	}{
		"a sound database": {func(*testing.T, string) {}, ""},
		"one in use": {func(t *testing.T, path string) {
			store, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			if err := store.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, ""},
		"a row that refers to nothing": {func(t *testing.T, path string) {
			spoil(t, path, `PRAGMA foreign_keys = 0`, `DELETE FROM users`)
		}, "Rows of grants that refer to a missing row of users: 20."},
		"an index without its rows": {func(t *testing.T, path string) {
			overwrite(t, path, codeNamed(numbered("code", 7)).GrantID)
		}, "index"},
		"a newer schema": {func(t *testing.T, path string) {
			spoil(t, path, `INSERT INTO schema_version VALUES (99)`)
		}, "The schema is version 99"},
		"an older schema": {func(t *testing.T, path string) {
			spoil(t, path, `DELETE FROM schema_version`)
		}, fmt.Sprintf("The schema is version 0 of %d", len(steps))},
		"another program's database": {func(t *testing.T, path string) {
			spoil(t, path, `DROP TABLE schema_version`)
		}, "it is not a database of this program"},
		"an empty file": {func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}, "it is not a database of this program"},
		"half a file": {func(t *testing.T, path string) {
			if err := os.Truncate(path, 20*4096); err != nil {
				t.Fatal(err)
			}
		}, "The file is damaged"},
		"a letter": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("Dear Sir or Madam, ", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "The file is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t)
			c.damage(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			problems, err := Check(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			named := slices.ContainsFunc(problems, func(text string) bool { return strings.Contains(text, c.want) })
			if (len(problems) == 0) != (c.want == "") || c.want != "" && !named {
				t.Errorf("problems are %q, want %q", problems, c.want)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("the check changed the file, %v", err)
			}
		})
	}
}

// overwrite changes a text in the last place where a file has it.
func overwrite(t *testing.T, path, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(string(content), text)
	copy(content[at:], strings.Repeat("x", len(text)))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCheckThatCannotLookIsAnOutage(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.db")
	if _, err := Check(t.Context(), missing); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("checking a missing file answered %v", err)
	}
	if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("checking a missing file made it: %v", err)
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, err := Check(left, filled(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("a check that was called off answered %v", err)
	}
}
