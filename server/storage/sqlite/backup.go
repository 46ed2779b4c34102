package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup writes a copy of the database at path to destination, which must not exist, with mode 0600. The copy is the
// state of one moment and may be taken while a server is writing. Errors wrap storage.ErrUnavailable; that of a
// destination that exists wraps fs.ErrExist.
func Backup(ctx context.Context, path, destination string) error {
	return answer("back up "+path, backup(ctx, path, destination))
}

// backup links a complete copy into place: whoever finds the file finds all of it, and nothing is overwritten.
func backup(ctx context.Context, path, destination string) error {
	destination, err := filepath.Abs(destination) // a name that begins with "file:" would be a URI
	if err != nil {
		return err
	}
	if _, err := os.Lstat(destination); err == nil {
		return fmt.Errorf("%s: %w", destination, fs.ErrExist)
	}
	copied, err := emptyFile(filepath.Dir(destination))
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(copied) }()
	if err := vacuumInto(ctx, path, copied); err != nil {
		return err
	}
	if err := flush(copied); err != nil {
		return err
	}
	return os.Link(copied, destination)
}

// emptyFile creates a file that only its owner may read. SQLite keeps the mode.
func emptyFile(dir string) (string, error) {
	file, err := os.CreateTemp(dir, ".gatehouse-backup-*")
	if err != nil {
		return "", err
	}
	return file.Name(), file.Close()
}

func vacuumInto(ctx context.Context, path, copied string) error {
	pool, err := openExisting(path)
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, `VACUUM INTO ?`, copied)
	return errors.Join(err, pool.Close())
}

// flush makes the disk have what was written.
func flush(name string) error {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
