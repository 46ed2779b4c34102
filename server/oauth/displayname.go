package oauth

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of a display name.
const (
	maxNameRunes = 64
	maxNameBytes = 256
	// maxMarks is how many combining marks may follow each other. Living scripts need fewer; a taller stack is drawn
	// over the lines above and below.
	maxMarks = 4
)

// NormalizeName makes a name that a client gave itself fit to be shown (RFC 7591 section 5): in normal form C, without
// anything invisible or direction-changing, with single spaces. The result may be empty, and normalising it again
// changes nothing. It is text and must still be escaped. A name that is not UTF-8, or is longer than 64 runes or 256
// bytes after all that, is an *Error with InvalidClientMetadata.
func NormalizeName(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", NewError(InvalidClientMetadata, "client_name is not UTF-8")
	}
	// Dropping characters brings others together that compose, hence the second pass.
	name := norm.NFC.String(visible(norm.NFC.String(s)))
	if len(name) > maxNameBytes || utf8.RuneCountInString(name) > maxNameRunes {
		return "", NewError(InvalidClientMetadata, "client_name is longer than 64 characters or 256 bytes")
	}
	return name, nil
}

// visible drops what cannot be seen or what disturbs its surroundings, and collapses white space.
func visible(s string) string {
	var b strings.Builder
	space, marks := false, 0
	for _, r := range s {
		switch {
		case isBlank(r):
			space = true
			continue
		case !unicode.IsPrint(r) || isIgnorable(r):
			continue
		case unicode.Is(unicode.M, r):
			// A mark with nothing before it would sit on the text before the name.
			if marks++; marks > maxMarks || space || b.Len() == 0 {
				continue
			}
		default:
			marks = 0
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// isBlank also knows the Braille pattern without dots, which Unicode counts as a symbol.
func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\u2800' }

// isIgnorable reports whether r is drawn as nothing, besides the format characters that are not printable anyway:
// fillers, joiners and variation selectors.
func isIgnorable(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
