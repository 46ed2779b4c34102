package oauth

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// splitAuthority cuts the authority of an http or https URI into host and port. It accepts only hosts that every
// parser reads alike: the spelling that a browser would itself write. The port is empty when there is none.
func splitAuthority(authority string) (host, port string, err error) {
	if strings.Contains(authority, "@") {
		return "", "", faultUserinfo
	}
	if strings.Contains(authority, "*") {
		return "", "", faultWildcard
	}
	host = authority
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		host, port = authority[:i], authority[i+1:]
		if !isPort(port) {
			return "", "", faultPort
		}
	}
	if host == "" {
		return "", "", faultNoHost
	}
	if !isCanonicalHost(host) {
		return "", "", faultHost
	}
	return host, port, nil
}

// isPort accepts the canonical decimal form of 1 to 65535.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

// isLoopback names the hosts to which plain http may go (RFC 8252 sections 7.3 and 8.3). They are compared, never
// resolved. "localhost" is among them because most desktop clients register it.
func isLoopback(host string) bool {
	return host == "127.0.0.1" || host == "[::1]" || host == "localhost"
}

func isCanonicalHost(host string) bool {
	switch {
	case host[0] == '[':
		return isIPv6Literal(host)
	case endsInNumber(host):
		return isIPv4Literal(host)
	default:
		return isDomain(host)
	}
}

// isIPv6Literal refuses zones, and IPv4 in IPv6 disguise, which RFC 5952 and browsers spell differently.
func isIPv6Literal(host string) bool {
	inner := strings.TrimSuffix(host[1:], "]")
	addr, err := netip.ParseAddr(inner)
	return err == nil && "["+addr.String()+"]" == host &&
		addr.Is6() && !addr.Is4In6() && addr.Zone() == "" && !addr.IsUnspecified()
}

// endsInNumber reports whether a browser takes the host for an IPv4 address: "127.1", "0x7f.1" and "2130706433" are
// addresses to it.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	digits, isDigits := last, isDigit
	if hex, found := strings.CutPrefix(last, "0x"); found {
		digits, isDigits = hex, isHex
	} else if last == "" {
		return false
	}
	return !slices.ContainsFunc([]byte(digits), func(b byte) bool { return !isDigits(b) })
}

func isIPv4Literal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Is4() && addr.String() == host && !addr.IsUnspecified()
}

// isDomain accepts lower-case host names (RFC 1123 section 2.1) without a trailing dot.
func isDomain(host string) bool {
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if !isLabel(label) || strings.HasPrefix(label, "xn--") && !isEncodedLabel(label) {
			return false
		}
	}
	return true
}

func isLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if c := label[i]; !isLower(c) && !isDigit(c) && c != '-' {
			return false
		}
	}
	return true
}

// isEncodedLabel reports whether a label that claims to be an internationalised one is the only spelling of what it
// stands for (UTS 46, as browsers apply it). Any other is refused by some browsers and mapped to another host by some.
func isEncodedLabel(label string) bool {
	profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckHyphens(false))
	text, err := profile.ToUnicode(label)
	if err != nil || strings.IndexFunc(text, func(r rune) bool { return r > '~' }) < 0 {
		return false
	}
	ascii, err := profile.ToASCII(text)
	return err == nil && ascii == label
}
