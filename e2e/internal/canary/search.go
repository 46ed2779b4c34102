package canary

import (
	"bytes"
	"encoding/binary"
)

// needle is one form of a secret, with the kind of the secret.
type needle struct {
	kind string
	form form
}

// index finds many needles in one pass: a word of eight bytes, which every needle begins with, leads to those that can
// begin there. Most positions are told apart by a few bits, so the time does not depend on the number of needles.
type index struct {
	filter [1 << filterBits / 64]uint64
	words  map[uint64][]needle
}

const (
	wordSize   = 8
	filterBits = 20
)

func newIndex(secrets map[string]string) *index {
	x := &index{words: make(map[uint64][]needle)}
	for secret, kind := range secrets {
		for _, form := range forms(secret) {
			word := binary.LittleEndian.Uint64([]byte(form.text[:wordSize]))
			x.words[word] = append(x.words[word], needle{kind, form})
			bit := hash(word)
			x.filter[bit/64] |= 1 << (bit % 64)
		}
	}
	return x
}

// search finds each needle wherever it is.
func (x *index) search(path string, content []byte) []Finding {
	var findings []Finding
	for at := range max(0, len(content)-wordSize+1) {
		word := binary.LittleEndian.Uint64(content[at:])
		if bit := hash(word); x.filter[bit/64]&(1<<(bit%64)) == 0 {
			continue
		}
		for _, needle := range x.words[word] {
			if bytes.HasPrefix(content[at:], []byte(needle.form.text)) {
				findings = append(findings, Finding{Kind: needle.kind, Encoding: needle.form.encoding, Path: path, Offset: at})
			}
		}
	}
	return findings
}

// hash spreads words over the bits of the filter (Fibonacci hashing).
func hash(word uint64) uint64 { return word * 0x9e3779b97f4a7c15 >> (64 - filterBits) }
