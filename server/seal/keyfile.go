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

// LoadOrCreateKeys reads the sealing keys in a file of mode 0600, in base64, one a line: the first seals, the others
// open what they sealed before. With create it makes the file with one key when it is missing. A file that others may
// read is refused: whoever reads it can read every sealed value.
func LoadOrCreateKeys(path string, create bool) ([]Key, error) {
	keys, err := loadKeys(path)
	if !errors.Is(err, fs.ErrNotExist) || !create {
		return keys, err
	}
	var key Key
	if _, err := rand.Read(key[:]); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := writeKey(path, key); errors.Is(err, fs.ErrExist) {
		return loadKeys(path) // another process was first
	} else if err != nil {
		return nil, err
	}
	return []Key{key}, nil
}

// ParseKeys reads one or more sealing keys in base64, separated by white space.
func ParseKeys(text []byte) ([]Key, error) {
	var keys []Key
	for word := range bytes.FieldsSeq(text) {
		raw, err := base64.StdEncoding.DecodeString(string(word))
		if err != nil || len(raw) != KeySize {
			return nil, fmt.Errorf("seal: a sealing key is %d random bytes in base64", KeySize)
		}
		keys = append(keys, Key(raw))
	}
	if len(keys) == 0 {
		return nil, errors.New("seal: no sealing key")
	}
	return keys, nil
}

func loadKeys(path string) ([]Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("seal: %s may be read by others (mode %04o): chmod 600 it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, path)
	}
	return keys, nil
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
