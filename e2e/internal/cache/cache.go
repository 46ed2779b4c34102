// Package cache keeps what tests download, so that it is fetched once.
package cache

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// complete marks a folder whose content is complete. It is made last.
const complete = "complete"

// Has reports whether a folder is complete.
func Has(folder string) bool { return exists(filepath.Join(folder, complete)) }

// Fill empties the folder and lets make fill it, unless that has succeeded before. Processes that want the same folder
// take turns. The folder is its version: give another version another name.
func Fill(folder string, make func() error) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	unlock, err := lock(folder + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if Has(folder) {
		return nil
	}
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	if err := make(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, complete), nil, 0o644)
}

// Run runs a program in a folder. The error has its output.
func Run(ctx context.Context, folder, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cache: %s: %w\n%s", filepath.Base(name), err, output)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lock waits for an exclusive lock, which ends with the process at the latest.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("cache: lock %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}
