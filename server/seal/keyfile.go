package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"

	"github.com/gatehouse-auth/gatehouse/server/secretfile"
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
	if _, err := rand.Read(key.bytes[:]); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	err = secretfile.Create(path, base64.StdEncoding.EncodeToString(key.bytes[:]))
	if errors.Is(err, fs.ErrExist) {
		return loadKeys(path) // another process was first
	}
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
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
		keys = append(keys, NewKey([KeySize]byte(raw)))
	}
	if len(keys) == 0 {
		return nil, errors.New("seal: no sealing key")
	}
	return keys, nil
}

func loadKeys(path string) ([]Key, error) {
	text, err := secretfile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, path)
	}
	return keys, nil
}
