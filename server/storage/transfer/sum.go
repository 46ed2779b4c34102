package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Sum says what rows a table holds, in whatever order they come: how many, and the sum of the digests of each.
type Sum struct {
	Rows   int64
	digest [4]uint64 // 256 bits, the lowest first
}

// Add counts a row of a table.
func (s *Sum) Add(table Table, row Row) {
	s.Rows++
	digest := sha256.Sum256(canonical(table, row))
	var carry uint64
	for i := range s.digest {
		s.digest[i], carry = bits.Add64(s.digest[i], binary.LittleEndian.Uint64(digest[8*i:]), carry)
	}
}

// String shows the number of rows and the beginning of the digest.
func (s Sum) String() string { return fmt.Sprintf("%d rows, digest %016x", s.Rows, s.digest[3]) }

// canonical writes a row so that no two rows look the same. Each value carries its length.
func canonical(table Table, row Row) []byte {
	var text []byte
	for i, column := range table.Columns {
		switch value := row[i]; column.Kind {
		case Text:
			text = appendBytes(text, []byte(value.Text))
		case Int:
			text = binary.AppendVarint(text, value.Int)
		case Bool:
			text = append(text, truth(value.Bool))
		case Bytes:
			text = appendBytes(text, value.Bytes)
		case Time:
			text = appendTime(text, value)
		case List:
			text = binary.AppendUvarint(text, uint64(len(value.List)))
			for _, element := range value.List {
				text = appendBytes(text, []byte(element))
			}
		}
	}
	return text
}

func appendBytes(text, value []byte) []byte {
	return append(binary.AppendUvarint(text, uint64(len(value))), value...)
}

// appendTime tells the absent time from every other.
func appendTime(text []byte, value Value) []byte {
	text = append(text, truth(!value.Time.IsZero()))
	return binary.AppendVarint(text, value.Time.UnixMicro())
}

func truth(value bool) byte {
	if value {
		return 1
	}
	return 0
}
