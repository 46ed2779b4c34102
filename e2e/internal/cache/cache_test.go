package cache

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestFillRunsOnce(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "thing-1")
	var made atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			err := Fill(folder, func() error {
				made.Add(1)
				return os.WriteFile(filepath.Join(folder, "content"), nil, 0o644)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 || !Has(folder) {
		t.Errorf("made %d times, complete %v", made.Load(), Has(folder))
	}
}

func TestFillStartsAfreshAfterAFailure(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "thing")
	half := filepath.Join(folder, "half")
	err := Fill(folder, func() error {
		if err := os.WriteFile(half, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		return errors.New("network down")
	})
	if err == nil || Has(folder) {
		t.Fatalf("Fill = %v, complete %v; want a failure", err, Has(folder))
	}
	if err := Fill(folder, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Error("what the failure left is still there")
	}
}
