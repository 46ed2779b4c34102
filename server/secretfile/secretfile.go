// Package secretfile keeps a secret in a file that is its owner's alone.
package secretfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Read returns what is in a file. One that is open to others is refused: what they have read is no secret any more, and
// nobody would notice.
func Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s is open to others (mode %04o): chmod 600 it, and replace the secret in it if somebody may have read it",
			path, mode)
	}
	return os.ReadFile(path)
}

// Create makes a file of mode 0600 with a secret and a line end. The error is fs.ErrExist when it is there already.
//
// It links a complete temporary file into place, so that no process ever reads half a secret and none overwrites that of
// another: of processes that start together one makes it, and the others read it. It is on the disk before anybody uses it.
func Create(path, text string) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = fmt.Fprintln(temp, text)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDirectory(dir)
}

// syncDirectory makes a new name in a directory durable.
func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
