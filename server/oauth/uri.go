package oauth

import "strings"

// maxURI is the longest URI that is read, in bytes.
const maxURI = 2048

// uriFault says what is wrong with a URI. It completes a sentence that begins with the name of the URI.
type uriFault string

// Error returns the fault.
func (f uriFault) Error() string { return string(f) }

const (
	faultEmpty     uriFault = "is empty"
	faultLong      uriFault = "is longer than 2048 bytes"
	faultInvisible uriFault = "has a space, a control character or a character outside ASCII"
	faultByte      uriFault = "has a character that must be percent-encoded"
	faultPercent   uriFault = "has a percent sign without two hexadecimal digits behind it"
	faultFragment  uriFault = "has a fragment"
	faultRelative  uriFault = "does not begin with a scheme in lower case"
	faultScheme    uriFault = "has a scheme that is not allowed"
	faultNoHost    uriFault = "has no host"
	faultUserinfo  uriFault = "has a user name or an @ before its host"
	faultWildcard  uriFault = "has a wildcard in its host or port; it is compared as it stands"
	faultHost      uriFault = "has a host that is not in canonical form"
	faultPort      uriFault = "has a port that is not a number from 1 to 65535"
	faultPlain     uriFault = "uses http, which is only for 127.0.0.1, [::1] and localhost"
	faultAppPath   uriFault = "has no host and no path after its private-use scheme"
	faultAppHost   uriFault = "has a host that a private-use scheme cannot have"
	faultDots      uriFault = "has a dot segment in its path"
	faultReserved  uriFault = "has a parameter that belongs to the authorization response"
	faultRepeated  uriFault = "has a repeated parameter"
)

// uri is a URI cut into the parts that matter here (RFC 3986 section 3). Each part stands exactly as in the text.
//
// The package does its own parsing of URIs that a browser will follow. net/url and browsers disagree about
// backslashes, user names, stray control characters and the spelling of hosts, and whatever they disagree about is
// the gap through which a code reaches somebody else. So everything that is not plainly the same to all is refused.
type uri struct {
	scheme    string
	authority string // empty when absent
	rooted    bool   // "//" stood after the scheme
	path      string
	query     string // with its "?"; empty when absent
}

// splitURI reads an absolute URI without a fragment.
func splitURI(raw string) (uri, error) {
	if raw == "" {
		return uri{}, faultEmpty
	}
	if len(raw) > maxURI {
		return uri{}, faultLong
	}
	if err := checkURIBytes(raw); err != nil {
		return uri{}, err
	}
	scheme, rest, found := strings.Cut(raw, ":")
	if !found || !isScheme(scheme) {
		return uri{}, faultRelative
	}
	u := uri{scheme: scheme}
	if rest, u.rooted = strings.CutPrefix(rest, "//"); u.rooted {
		u.authority, rest = cutBefore(rest, "/?")
	}
	if strings.ContainsAny(rest, "[]") {
		return uri{}, faultByte
	}
	u.path, u.query = cutBefore(rest, "?")
	return u, nil
}

// checkURIBytes allows the characters of RFC 3986 section 2 and nothing else; a fragment is not part of what it checks.
func checkURIBytes(raw string) error {
	for i := range len(raw) {
		switch c := raw[i]; {
		case c <= ' ' || c > '~':
			return faultInvisible
		case c == '#':
			return faultFragment
		case c == '%':
			if i+2 >= len(raw) || !isHex(raw[i+1]) || !isHex(raw[i+2]) {
				return faultPercent
			}
		case !isAlphanumeric(c) && strings.IndexByte("-._~:/?[]@!$&'()*+,;=", c) < 0:
			return faultByte
		}
	}
	return nil
}

// isScheme reports whether s is a scheme (RFC 3986 section 3.1) in its canonical lower case.
func isScheme(s string) bool {
	if s == "" || !isLower(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLower(c) && !isDigit(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// lowerOrigin puts the scheme and the authority of a URI into lower case and leaves the rest as it is.
func lowerOrigin(raw string) string {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found {
		return raw
	}
	authority, rest := cutBefore(rest, "/?#")
	return lowerASCII(scheme) + "://" + lowerASCII(authority) + rest
}

// lowerASCII leaves other letters alone: the lower case of the Kelvin sign is an ordinary "k".
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r | 0x20
		}
		return r
	}, s)
}

// cutBefore cuts s before the first of the characters in chars, which stays with the second part.
func cutBefore(s, chars string) (before, after string) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// consistsOf reports whether s has nothing but ASCII letters, digits and the given punctuation.
func consistsOf(s, punctuation string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && strings.IndexByte(punctuation, s[i]) < 0 {
			return false
		}
	}
	return true
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlphanumeric(c byte) bool { return isLower(c|0x20) || isDigit(c) }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
