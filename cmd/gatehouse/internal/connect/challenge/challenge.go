// Package challenge reads the WWW-Authenticate header by which a protected resource asks for a token.
package challenge

import "strings"

// Bearer returns the parameters of the first Bearer challenge among the values of the header (RFC 6750 section 3, RFC
// 9110 section 11.6.1), with names in lower case. It is false when there is none.
func Bearer(headers []string) (map[string]string, bool) {
	for _, header := range headers {
		scanner := scanner{rest: header}
		for scheme, params := scanner.challenge(); scheme != ""; scheme, params = scanner.challenge() {
			if strings.EqualFold(scheme, "bearer") {
				return params, true
			}
		}
	}
	return nil, false
}

// scanner reads challenges from one header. What is malformed is skipped: a server that does not answer by the grammar
// may still have said what is needed.
type scanner struct {
	rest string
	// scheme was read as the end of the parameters before it.
	scheme string
}

// challenge returns the next scheme, or nothing at the end, with the parameters that belong to it.
func (s *scanner) challenge() (scheme string, params map[string]string) {
	scheme, s.scheme = s.scheme, ""
	params = make(map[string]string)
	for s.skip(); s.rest != ""; s.skip() {
		name := s.token()
		s.rest = strings.TrimLeft(s.rest, " \t")
		value, isParam := strings.CutPrefix(s.rest, "=")
		switch {
		case isParam:
			s.rest = strings.TrimLeft(value, " \t")
			params[strings.ToLower(name)] = s.value()
		case scheme != "":
			s.scheme = name
			return scheme, params
		default:
			scheme, params = name, make(map[string]string)
		}
	}
	return scheme, params
}

// skip goes to the next token.
func (s *scanner) skip() {
	s.rest = strings.TrimLeftFunc(s.rest, func(r rune) bool { return !isTokenRune(r) })
}

func (s *scanner) token() string {
	end := strings.IndexFunc(s.rest, func(r rune) bool { return !isTokenRune(r) })
	if end < 0 {
		end = len(s.rest)
	}
	token := s.rest[:end]
	s.rest = s.rest[end:]
	return token
}

// value reads a token or a quoted string (RFC 9110 section 5.6.4). One without an end reaches to the end.
func (s *scanner) value() string {
	quoted, isQuoted := strings.CutPrefix(s.rest, `"`)
	if !isQuoted {
		return s.token()
	}
	var text strings.Builder
	for i := 0; i < len(quoted); i++ {
		switch quoted[i] {
		case '"':
			s.rest = quoted[i+1:]
			return text.String()
		case '\\':
			if i++; i == len(quoted) {
				continue
			}
		}
		text.WriteByte(quoted[i])
	}
	s.rest = ""
	return text.String()
}

// isTokenRune is tchar of RFC 9110 section 5.6.2.
func isTokenRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
