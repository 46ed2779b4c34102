package secretfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/secretfile"
)

func TestFileOfTheOwnerAloneComesBack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	if _, err := secretfile.Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it is made: %v", err)
	}
	if err := secretfile.Create(path, "text"); err != nil {
		t.Fatal(err)
	}
	if text, err := secretfile.Read(path); err != nil || string(text) != "text\n" {
		t.Errorf("%q, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left in the directory: %v, %v", entries, err)
	}
}

func TestFileThatIsOpenToOthersIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := secretfile.Create(path, "text"); err != nil {
		t.Fatal(err)
	}
	for mode, open := range map[os.FileMode]bool{
		0o600: false, 0o400: false, 0o700: false, 0o640: true, 0o604: true, 0o644: true, 0o620: true, 0o666: true,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		text, err := secretfile.Read(path)
		if open != (err != nil) || open && len(text) > 0 {
			t.Errorf("mode %04o: %q, %v", mode, text, err)
		}
		if !open {
			continue
		}
		for _, part := range []string{path, fmt.Sprintf("%04o", mode), "chmod 600"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("mode %04o: %v does not say %q", mode, err, part)
			}
		}
	}
}

func TestOfProcessesThatStartTogetherOneMakesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	errs := make([]error, 16)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { errs[i] = secretfile.Create(path, fmt.Sprint(i)) })
	}
	group.Wait()
	text, err := secretfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		made := string(text) == fmt.Sprintln(i)
		if made != (err == nil) || !made && !errors.Is(err, fs.ErrExist) {
			t.Errorf("%d of %q: %v", i, text, err)
		}
	}
}
