package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// LoadOrCreateKey reads the sealing key in a file of mode 0600, in base64. With create it makes the file when it is
// missing. A file that others may read is refused: whoever reads it can read every sealed value.
func LoadOrCreateKey(path string, create bool) (Key, error) {
	key, err := loadKey(path)
	if !errors.Is(err, fs.ErrNotExist) || !create {
		return key, err
	}
	if _, err := rand.Read(key[:]); err != nil {
		return Key{}, fmt.Errorf("seal: %w", err)
	}
	if err := writeKey(path, key); errors.Is(err, fs.ErrExist) {
		return loadKey(path) // another process was first
	} else if err != nil {
		return Key{}, err
	}
	return key, nil
}

// ParseKey reads a sealing key in base64.
func ParseKey(text []byte) (Key, error) {
	var key Key
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(raw) != KeySize {
		return key, fmt.Errorf("seal: a sealing key is %d random bytes in base64", KeySize)
	}
	copy(key[:], raw)
	return key, nil
}

func loadKey(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("seal: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Key{}, fmt.Errorf("seal: %s may be read by others (mode %04o): chmod 600 it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("seal: %w", err)
	}
	key, err := ParseKey(text)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %s", err, path)
	}
	return key, nil
}

// writeKey links a complete temporary file into place, so that no process ever reads half a key and none overwrites
// the key of another.
func writeKey(path string, key Key) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".sealing-*")
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = fmt.Fprintln(temp, base64.StdEncoding.EncodeToString(key[:]))
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}
