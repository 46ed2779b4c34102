package oauth

import (
	"slices"
	"strconv"
	"strings"
)

// maxRedirectURIs is how many redirect URIs a client may register.
const maxRedirectURIs = 10

// RedirectKind says what kind of place a redirect URI leads to. Rules follow the kind of the URI that is used, never
// what a client says about itself.
type RedirectKind int

// Kinds of redirect URIs. The zero value is no kind.
const (
	// RedirectWeb is an https site.
	RedirectWeb RedirectKind = iota + 1
	// RedirectLoopback is a program that listens on the user's own machine (RFC 8252 section 7.3).
	RedirectLoopback
	// RedirectPrivateUse is an application that claims a URI scheme (RFC 8252 section 7.1).
	RedirectPrivateUse
)

// RedirectURI is a redirect URI that browsers and this server read alike. The zero value matches nothing.
type RedirectURI struct {
	raw         string
	kind        RedirectKind
	host        string // of a web or loopback URI
	destination string
	tail        string // path and query
}

// ParseRedirectURI checks a redirect URI as a client registers or requests it: https anywhere, http on loopback, and
// private-use schemes that are reversed domain names or listed in schemes. The result keeps the text as it is.
// An error is an *Error with InvalidRedirectURI.
func ParseRedirectURI(raw string, schemes PrivateUseSchemes) (RedirectURI, error) {
	r, err := parseRedirectURI(raw, schemes)
	if err != nil {
		return RedirectURI{}, NewError(InvalidRedirectURI, "redirect_uri "+err.Error())
	}
	return r, nil
}

// ParseRedirectURIs checks the redirect URIs of a registration: one to ten of them, of which duplicates count once.
// An error is an *Error with InvalidRedirectURI and names the first bad entry.
func ParseRedirectURIs(raw []string, schemes PrivateUseSchemes) ([]RedirectURI, error) {
	if len(raw) == 0 {
		return nil, NewError(InvalidRedirectURI, "redirect_uris is missing or empty")
	}
	if len(raw) > maxRedirectURIs {
		return nil, NewError(InvalidRedirectURI, "redirect_uris has more than 10 entries")
	}
	uris := make([]RedirectURI, 0, len(raw))
	for i, text := range raw {
		r, err := parseRedirectURI(text, schemes)
		if err != nil {
			return nil, NewError(InvalidRedirectURI, "redirect_uris["+strconv.Itoa(i)+"] "+err.Error())
		}
		if !slices.Contains(uris, r) {
			uris = append(uris, r)
		}
	}
	return uris, nil
}

func parseRedirectURI(raw string, schemes PrivateUseSchemes) (RedirectURI, error) {
	u, err := splitURI(raw)
	if err != nil {
		return RedirectURI{}, err
	}
	r := RedirectURI{raw: raw, tail: u.path + u.query}
	switch {
	case u.scheme == "https", u.scheme == "http":
		err = r.readWeb(u)
	case schemes.allow(u.scheme):
		err = r.readPrivateUse(u)
	default:
		err = faultScheme
	}
	if err != nil {
		return RedirectURI{}, err
	}
	if hasDotSegment(u.path) {
		return RedirectURI{}, faultDots
	}
	if err := checkRegisteredQuery(u.query); err != nil {
		return RedirectURI{}, err
	}
	return r, nil
}

func (r *RedirectURI) readWeb(u uri) error {
	host, _, err := splitAuthority(u.authority)
	if err != nil {
		return err
	}
	r.kind, r.host, r.destination = RedirectWeb, host, u.authority
	if u.scheme == "http" {
		if !isLoopback(host) {
			return faultPlain
		}
		r.kind = RedirectLoopback
	}
	return nil
}

// readPrivateUse accepts "scheme:/path", which RFC 8252 section 7.1 asks for, and "scheme://host", which editors use.
func (r *RedirectURI) readPrivateUse(u uri) error {
	r.kind, r.destination = RedirectPrivateUse, u.scheme+":"
	if !u.rooted {
		if !strings.HasPrefix(u.path, "/") {
			return faultAppPath
		}
		return nil
	}
	if u.authority == "" {
		return faultNoHost
	}
	if !consistsOf(u.authority, "-._") {
		return faultAppHost
	}
	return nil
}

// String returns the URI exactly as it was given.
func (r RedirectURI) String() string { return r.raw }

// Kind returns what kind of place the URI leads to.
func (r RedirectURI) Kind() RedirectKind { return r.kind }

// Destination returns, for people, where the URI leads: the host with its port as written, or the scheme of a
// private-use URI with its colon.
func (r RedirectURI) Destination() string { return r.destination }

// Matches reports whether an authorization request may use the requested URI because r is registered: it is the same
// string, or a loopback http URI that differs in its port alone (RFC 8252 section 7.3, RFC 9700 section 2.1). The
// token endpoint has no such liberty: there it is the string of the authorization request.
func (r RedirectURI) Matches(requested string) bool {
	if r.kind != RedirectLoopback {
		return r.raw != "" && requested == r.raw
	}
	other, err := parseRedirectURI(requested, nil)
	return err == nil && other.kind == RedirectLoopback && other.host == r.host && other.tail == r.tail
}

// segmentEscapes undoes what a parser may undo before it looks for segments.
var segmentEscapes = strings.NewReplacer("%2f", "/", "%5c", "/", "%2e", ".", "%3b", ";")

// hasDotSegment reports whether some parser would resolve a "." or ".." in the path. Browsers decode %2e; servers
// behind the redirect may also decode separators and cut path parameters, as in "/..;/".
func hasDotSegment(path string) bool {
	path = segmentEscapes.Replace(strings.ToLower(path))
	for segment := range strings.SplitSeq(path, "/") {
		if name, _ := cutBefore(segment, ";"); name == "." || name == ".." {
			return true
		}
	}
	return false
}
