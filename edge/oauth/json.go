package oauth

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

const (
	// maxDepth is how deep objects and arrays may nest; the outermost counts as one.
	maxDepth = 8
	// maxValues is about how many members and elements a document may have. It bounds what decoding allocates.
	maxValues = 512
)

// What may be wrong with a document.
const (
	notJSON   = "The body is not one JSON document in UTF-8."
	tooDeep   = "The JSON document nests too deep."
	tooMany   = "The JSON document has too many members."
	duplicate = "A member of the JSON document is repeated."
)

// checkJSON refuses documents that two readers could understand differently, which a filter in front of this server
// or an audit behind it may be: not UTF-8, data after the document, or a name twice in an object (RFC 8259 section 4).
// It returns what is wrong, or an empty string.
func checkJSON(data []byte) string {
	if !utf8.Valid(data) || !json.Valid(data) {
		return notJSON
	}
	walk := structure{rest: string(data)}
	return walk.check()
}

// structure walks over a valid JSON document. Since it is valid, brackets match, and a string before a colon is a name.
type structure struct {
	rest string
	// open holds the names so far of each object that is open; an array has none.
	open   []map[string]bool
	values int
}

func (s *structure) check() string {
	for {
		i := strings.IndexAny(s.rest, `{}[],"`)
		if i < 0 {
			return ""
		}
		token := s.rest[i]
		s.rest = s.rest[i+1:]
		switch token {
		case '{', '[':
			if len(s.open) == maxDepth {
				return tooDeep
			}
			s.open = append(s.open, nil)
		case '}', ']':
			s.open = s.open[:len(s.open)-1]
		case ',':
			if s.values++; s.values > maxValues {
				return tooMany
			}
		case '"':
			if problem := s.text(); problem != "" {
				return problem
			}
		}
	}
}

// text passes over a string, and notes it when it is a name.
func (s *structure) text() string {
	end := 0
	for s.rest[end] != '"' {
		if s.rest[end] == '\\' {
			end++
		}
		end++
	}
	quoted := s.rest[:end]
	s.rest = strings.TrimLeft(s.rest[end+1:], " \t\r\n")
	if !strings.HasPrefix(s.rest, ":") {
		return ""
	}
	var name string
	if err := json.Unmarshal([]byte(`"`+quoted+`"`), &name); err != nil {
		return notJSON
	}
	innermost := &s.open[len(s.open)-1]
	if (*innermost)[name] {
		return duplicate
	}
	if *innermost == nil {
		*innermost = map[string]bool{}
	}
	(*innermost)[name] = true
	return ""
}
