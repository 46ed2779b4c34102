package canary

import (
	"bytes"
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
	secrets := s.snapshot()
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
		findings = append(findings, search(path, content, secrets)...)
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
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Encoding, b.Encoding))
	})
	return slices.CompactFunc(findings, func(a, b Finding) bool {
		return a.Path == b.Path && a.Kind == b.Kind && a.Encoding == b.Encoding
	}), nil
}

// search finds each secret in the first of its forms.
func search(path string, content []byte, secrets map[string]string) []Finding {
	var findings []Finding
	for secret, kind := range secrets {
		for _, form := range forms(secret) {
			if at := bytes.Index(content, []byte(form.text)); at >= 0 {
				findings = append(findings, Finding{Kind: kind, Encoding: form.encoding, Path: path, Offset: at})
				break
			}
		}
	}
	return findings
}
