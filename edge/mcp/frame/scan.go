package frame

import (
	"bytes"
	"encoding/json"
)

// field is a key that a reader looks for, and where its value goes. A nil value is only checked.
type field struct {
	name  string
	value *json.RawMessage
}

// readObject finds fields in a valid JSON object. A key that another reader could take for a field of the same name, be
// it a second one or one in other letters, is a fault. What is not an object has no fields.
func readObject(raw []byte, fields ...field) error {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	var seen [8]bool
	for i := next(raw, 1); raw[i] != '}'; {
		keyEnd := endOfString(raw, i)
		start := next(raw, next(raw, keyEnd)+1)
		end := endOfValue(raw, start)
		key := unquote(raw[i:keyEnd])
		for n, f := range fields {
			if !bytes.EqualFold(key, []byte(f.name)) {
				continue
			}
			if string(key) != f.name || seen[n] {
				return TwoMeant
			}
			seen[n] = true
			if f.value != nil {
				*f.value = raw[start:end]
			}
		}
		if i = next(raw, end); raw[i] == ',' {
			i = next(raw, i+1)
		}
	}
	return nil
}

// unquote returns what a valid JSON string says.
func unquote(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	// A string of a valid text decodes.
	_ = json.Unmarshal(raw, &s)
	return []byte(s)
}

// depth returns how deep the arrays and objects of a valid JSON text nest.
func depth(raw []byte) int {
	deepest, current := 0, 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i = endOfString(raw, i) - 1
		case '{', '[':
			current++
			deepest = max(deepest, current)
		case '}', ']':
			current--
		}
	}
	return deepest
}

// next returns the index of the first byte from i on that is no white space.
func next(raw []byte, i int) int {
	for raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\r' || raw[i] == '\n' {
		i++
	}
	return i
}

// endOfString returns the index after the string that begins at i.
func endOfString(raw []byte, i int) int {
	for i++; raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// endOfValue returns the index after the value that begins at i.
func endOfValue(raw []byte, i int) int {
	nested := 0
	for ; ; i++ {
		switch raw[i] {
		case '"':
			i = endOfString(raw, i) - 1
		case '{', '[':
			nested++
		case '}', ']':
			if nested == 0 {
				return i
			}
			nested--
		case ',', ' ', '\t', '\r', '\n':
			if nested == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if nested == 0 {
			return i + 1
		}
	}
}
