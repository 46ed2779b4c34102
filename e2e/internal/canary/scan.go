package canary

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
)

// Allowance is a place where a kind of secret belongs.
type Allowance struct {
	// Kind is the kind of secret.
	Kind string
	// Path is the file, relative to the root of the scan; empty means everywhere.
	Path string
}

// Scan reads every regular file of the tree and reports the secrets of the set that it finds, each kind and encoding
// once a file. A file that cannot be read is an error: nothing is known about it.
func (s *Set) Scan(tree fs.FS, allowed ...Allowance) ([]Finding, error) {
	index := newIndex(s.snapshot())
	var findings []Finding
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		findings = append(findings, index.search(path, content)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("canary: %w", err)
	}
	findings = slices.DeleteFunc(findings, func(f Finding) bool {
		return slices.ContainsFunc(allowed, func(a Allowance) bool {
			return a.Kind == f.Kind && (a.Path == "" || a.Path == f.Path)
		})
	})
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Encoding, b.Encoding),
			cmp.Compare(a.Offset, b.Offset))
	})
	return slices.CompactFunc(findings, func(a, b Finding) bool {
		return a.Path == b.Path && a.Kind == b.Kind && a.Encoding == b.Encoding
	}), nil
}
