package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
)

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("file modes mean little on Windows")
	}
	for _, mode := range []fs.FileMode{0, 0o644} { // missing, and too open
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		if mode != 0 {
			if err := os.WriteFile(path, nil, mode); err != nil {
				t.Fatal(err)
			}
		}
		store := open(t, path)
		if err := store.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != 0o600 {
				t.Errorf("%s has mode %v, want 0600", info.Name(), info.Mode())
			}
		}
	}
}

func TestClosedDatabaseIsOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	store := open(t, path)
	if err := store.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, filepath.Dir(path), "gatehouse.db")
}

// wantFiles checks which files are in a directory.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the directory has %v, want %v", got, want)
	}
}

func TestAnyPathWorks(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a b.db", "100%25.db", "what?.db", "no#1.db", "mode=memory&x.db", "naïve.db", ":memory:"} {
		if runtime.GOOS == "windows" && name != "a b.db" {
			continue
		}
		path := filepath.Join(dir, name)
		store := open(t, path)
		if err := store.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Chdir(dir)
	if err := open(t, "relative.db").Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoDatabaseIsAnOutageAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	const text = "This is a letter, and whoever named it .db was wrong. It is long enough to have a header in it."
	letter := filepath.Join(dir, "letter.db")
	if err := os.WriteFile(letter, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{letter, dir, filepath.Join(dir, "missing", "gatehouse.db")} {
		if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("opening %s answered %v, want %v", path, err, storage.ErrUnavailable)
		}
	}
	if left, err := os.ReadFile(letter); err != nil || string(left) != text {
		t.Errorf("the letter now reads %q, %v", left, err)
	}
}

// A new file becomes one of WAL with the first that opens it.
func TestStoresThatOpenANewFileTogetherAllOpenIt(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				store, err := sqlite.Open(t.Context(), path)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				if err := store.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		}
		group.Wait()
	}
}

func TestAnotherProcessThatHoldsTheLockIsAnOutageUntilItLetsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	store := open(t, path, sqlite.WithBusyTimeout(time.Millisecond))
	release := lock(t, path)
	client := storage.Client{ID: "client", CreateTime: time.Unix(1, 0)}
	if err := store.CreateClient(t.Context(), client, 1); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("writing beside a lock answered %v, want %v", err, storage.ErrUnavailable)
	}
	if _, err := store.Client(t.Context(), client.ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("reading beside a lock answered %v, want %v", err, storage.ErrNotFound)
	}
	release()
	if err := store.CreateClient(t.Context(), client, 1); err != nil {
		t.Errorf("writing after the lock answered %v", err)
	}
}
