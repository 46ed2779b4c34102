// Package canary finds secrets where they must not be: in log files, databases, anything on a disk.
//
// A test adds every secret that it sees to a Set and lets the set scan a file tree afterwards. The scan looks for each
// secret as it is and in the encodings that software tends to give it.
package canary

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// minLength is the shortest secret that is looked for. Shorter ones would be found by chance.
const minLength = 12

// maxOfKind bounds how many secrets of one kind are remembered. What leaks one under load leaks the first of them, too.
const maxOfKind = 500

// Set is the secrets of a run, each with its kind. The zero value is empty and ready. It is safe for concurrent use.
type Set struct {
	mu    sync.Mutex
	kinds map[string]string
	count map[string]int
}

// Add remembers a secret. The kind says in a report what was found, since the secret itself is never shown. Values
// under 12 bytes are ignored, and so is what comes after 500 of one kind. The signature of a JWT is remembered as well,
// for it makes the rest usable.
func (s *Set) Add(kind, value string) {
	if len(value) < minLength {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(kind, value)
	if parts := strings.Split(value, "."); len(parts) == 3 && len(parts[2]) >= minLength {
		s.add(kind+" signature", parts[2])
	}
}

func (s *Set) add(kind, value string) {
	if s.kinds == nil {
		s.kinds, s.count = make(map[string]string), make(map[string]int)
	}
	if _, known := s.kinds[value]; !known && s.count[kind] < maxOfKind {
		s.kinds[value] = kind
		s.count[kind]++
	}
}

// Kinds returns the kinds in the set, sorted, each once.
func (s *Set) Kinds() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Compact(slices.Sorted(maps.Values(s.kinds)))
}

func (s *Set) snapshot() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.kinds)
}

// Finding is a secret in a file.
type Finding struct {
	// Kind is what the secret is.
	Kind string
	// Encoding is the form that it has in the file.
	Encoding string
	// Path is the file, relative to the root of the scan.
	Path string
	// Offset is the position in bytes.
	Offset int
}

// String describes the finding without the secret.
func (f Finding) String() string {
	return fmt.Sprintf("%s (%s) in %s at byte %d", f.Kind, f.Encoding, f.Path, f.Offset)
}
