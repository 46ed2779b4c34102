package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func TestBackupIsOneMomentOfAStoreInUse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gatehouse.db")
	store, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	before, err := issue(t.Context(), store, "before")
	if err == nil {
		err = exchange(t.Context(), store, before)
	}
	if err != nil {
		t.Fatal(err)
	}

	stop, codes := make(chan struct{}), make(chan storage.Code, 10_000)
	var writers sync.WaitGroup
	for worker := range 4 {
		writers.Go(func() { writeUntil(t, stop, store, numbered("worker", worker), codes) })
	}
	<-codes // the writers are writing
	destination := filepath.Join(t.TempDir(), "backup.db")
	err = Backup(t.Context(), path, destination)
	close(stop)
	writers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	close(codes)

	copied, err := Open(t.Context(), destination)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	checkIntegrity(t, copied)
	checkWhole(t, copied, before, true)
	for code := range codes {
		if _, err := copied.Code(t.Context(), code.Hash); err == nil { // later ones are not there
			checkWhole(t, copied, code, false)
		}
	}
}

// writeUntil issues and redeems codes, and hands on at most as many as codes takes.
func writeUntil(t *testing.T, stop <-chan struct{}, store *Store, name string, codes chan<- storage.Code) {
	t.Helper()
	for i := 0; ; i++ {
		code, err := issue(t.Context(), store, numbered(name, i))
		if err == nil {
			err = exchange(t.Context(), store, code)
		}
		if err != nil {
			t.Error(err)
			return
		}
		select {
		case <-stop:
			return
		case codes <- code:
		}
	}
}

func TestBackupIsForTheOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("file modes mean little on Windows")
	}
	destination := filepath.Join(t.TempDir(), "backup.db")
	if err := Backup(t.Context(), filled(t), destination); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(destination)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the backup has mode %v, %v, want 0600", info.Mode(), err)
	}
}

func TestBackupGoesOnWithTheSequenceOfRevocations(t *testing.T) {
	path := filled(t)
	store, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	filter := storage.GrantFilter{ClientID: "client", Now: noon}
	if _, err := store.RevokeGrants(t.Context(), filter, storage.RevokedByOperator); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Sweep(t.Context(), noon, storage.SweepPolicy{Limit: 100}); err != nil {
		t.Fatal(err)
	}
	destination := filepath.Join(t.TempDir(), "backup.db")
	if err := Backup(t.Context(), path, destination); err != nil {
		t.Fatal(err)
	}
	copied, err := Open(t.Context(), destination)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if lowest, highest, err := copied.RevocationBounds(t.Context()); lowest != 0 || highest != 20 || err != nil {
		t.Errorf("the bounds are %d and %d, %v, want 0 and 20", lowest, highest, err)
	}
}

func TestBackupOverwritesNothingAndLeavesNothingHalfDone(t *testing.T) {
	path := filled(t)
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.WriteFile(taken, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	letter := filepath.Join(t.TempDir(), "letter.db")
	if err := os.WriteFile(letter, []byte("This is no database, and it is long enough to be seen as such."), 0o600); err != nil {
		t.Fatal(err)
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	for name, c := range map[string]struct {
		ctx          context.Context
		source, into string
		want         error
	}{
		"a taken destination":  {t.Context(), path, "taken", fs.ErrExist},
		"a link to nowhere":    {t.Context(), path, "link", fs.ErrExist},
		"the database itself":  {t.Context(), path, path, fs.ErrExist},
		"a missing directory":  {t.Context(), path, "missing/backup.db", fs.ErrNotExist},
		"a missing database":   {t.Context(), filepath.Join(dir, "missing.db"), "backup.db", fs.ErrNotExist},
		"what is no database":  {t.Context(), letter, "backup.db", storage.ErrUnavailable},
		"a caller who is gone": {left, path, "backup.db", context.Canceled},
	} {
		destination := c.into
		if !filepath.IsAbs(destination) {
			destination = filepath.Join(dir, destination)
		}
		err := Backup(c.ctx, c.source, destination)
		if !errors.Is(err, c.want) || !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%s answered %v, want %v", name, err, c.want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the directory has %v, %v, want what it had", entries, err)
	}
	if content, err := os.ReadFile(taken); err != nil || string(content) != "precious" {
		t.Errorf("the taken file reads %q, %v", content, err)
	}
}
