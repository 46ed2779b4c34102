package oauth

import (
	"slices"
	"strings"
)

// Bounds of a scope parameter.
const (
	maxScopes     = 100
	maxScopeBytes = 1024
)

// Scopes is a list of scope values in the order in which they were given, each once.
type Scopes []string

// ParseScopes reads a scope parameter (RFC 6749 section 3.3): at most 100 values in at most 1024 bytes. An empty
// parameter is no scopes. Superfluous spaces are forgiven, since clients build the parameter by joining lists.
// An error is an *Error with InvalidScope.
func ParseScopes(s string) (Scopes, error) {
	if len(s) > maxScopeBytes {
		return nil, NewError(InvalidScope, "scope is longer than 1024 bytes")
	}
	values := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' })
	if len(values) > maxScopes {
		return nil, NewError(InvalidScope, "scope has more than 100 values")
	}
	var scopes Scopes
	for _, value := range values {
		if !isScope(value) {
			return nil, NewError(InvalidScope, "scope has a character that a scope cannot have")
		}
		if !scopes.Contains(value) {
			scopes = append(scopes, value)
		}
	}
	return scopes, nil
}

// isScope reports whether s is a scope-token of RFC 6749 section 3.3.
func isScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// String returns the scopes as a scope parameter, separated by single spaces.
func (s Scopes) String() string { return strings.Join(s, " ") }

// Contains reports whether scope is in the list. Case matters.
func (s Scopes) Contains(scope string) bool { return slices.Contains(s, scope) }

// ContainsAll reports whether every one of others is in the list.
func (s Scopes) ContainsAll(others Scopes) bool {
	return !slices.ContainsFunc(others, func(scope string) bool { return !s.Contains(scope) })
}

// Intersect returns the scopes that are in both lists, in the order of s.
func (s Scopes) Intersect(others Scopes) Scopes {
	var both Scopes
	for _, scope := range s {
		if others.Contains(scope) {
			both = append(both, scope)
		}
	}
	return both
}
