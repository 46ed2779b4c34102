package oauth_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// browserURL is what a browser makes of a string that it is told to open.
type browserURL struct {
	scheme      string
	credentials bool
	host        string // as serialised
	port        string // empty when it is the default of the scheme
	path        string
	query       string // with its "?"
	fragment    bool
}

// parseLikeBrowser is a model of the basic URL parser of the WHATWG URL standard without a base URL. It shares no code
// with the package, nor with net/url's parser. It knows no mapping of non-ASCII hosts: it reports them as failures,
// which is enough, because the package must not accept any.
func parseLikeBrowser(input string) (browserURL, bool) {
	input = strings.Trim(input, c0AndSpace())
	input = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(input)

	scheme, rest, found := strings.Cut(input, ":")
	scheme = strings.ToLower(scheme)
	if !found || scheme == "" || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" ||
		scheme[0] < 'a' || scheme[0] > 'z' {
		return browserURL{}, false
	}
	u := browserURL{scheme: scheme}
	rest, _, u.fragment = strings.Cut(rest, "#")
	rest, query, hasQuery := strings.Cut(rest, "?")
	_, special := defaultPorts()[scheme]
	if hasQuery {
		u.query = "?" + percentEncode(query, map[bool]string{true: ` "<>'`, false: ` "<>`}[special])
	}

	var authority string
	switch {
	case special && scheme != "file":
		authority, rest = cutAny(strings.TrimLeft(rest, `/\`), `/\`)
	case strings.HasPrefix(rest, "//"):
		authority, rest = cutAny(rest[2:], "/")
	case !strings.HasPrefix(rest, "/"):
		u.path = rest // an opaque path
		return u, true
	default:
		u.path = browserPath(rest, special)
		return u, true
	}
	if !u.readAuthority(authority, special) {
		return browserURL{}, false
	}
	if rest != "" || special {
		u.path = browserPath(rest, special)
	}
	return u, true
}

func defaultPorts() map[string]string {
	return map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21", "file": ""}
}

func c0AndSpace() string {
	var b strings.Builder
	for c := range byte(0x21) {
		b.WriteByte(c)
	}
	return b.String()
}

func cutAny(s, chars string) (before, after string) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func (u *browserURL) readAuthority(authority string, special bool) bool {
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		u.credentials = true
		if authority = authority[at+1:]; authority == "" {
			return false
		}
	}
	host, port := authority, ""
	if colon := portColon(authority); colon >= 0 {
		host, port = authority[:colon], authority[colon+1:]
		if host == "" || strings.Trim(port, "0123456789") != "" {
			return false
		}
	}
	if host == "" {
		return !special
	}
	if port != "" {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return false
		}
		if u.port = strconv.FormatUint(number, 10); u.port == defaultPorts()[u.scheme] {
			u.port = ""
		}
	}
	var ok bool
	u.host, ok = browserHost(host, special)
	return ok
}

// portColon finds the first colon that is not between brackets.
func portColon(authority string) int {
	bracket := false
	for i := range len(authority) {
		switch c := authority[i]; {
		case c == '[':
			bracket = true
		case c == ']':
			bracket = false
		case c == ':' && !bracket:
			return i
		}
	}
	return -1
}

func browserHost(host string, special bool) (string, bool) {
	if inner, found := strings.CutPrefix(host, "["); found {
		inner, found = strings.CutSuffix(inner, "]")
		if !found {
			return "", false
		}
		pieces, ok := browserIPv6(inner)
		return "[" + serializeIPv6(pieces) + "]", ok
	}
	const forbidden = "\x00\t\n\r #/:<>?@[\\]^|"
	if !special {
		return percentEncode(host, ""), !strings.ContainsAny(host, forbidden)
	}
	host = percentDecode(host)
	for i := range len(host) {
		if host[i] < 0x20 || host[i] >= 0x7f || strings.IndexByte(forbidden+"%", host[i]) >= 0 {
			return "", false
		}
	}
	host = strings.ToLower(host)
	for label := range strings.SplitSeq(host, ".") {
		if encoded, found := strings.CutPrefix(label, "xn--"); found && !decodesToUnicode(encoded) {
			return "", false
		}
	}
	if host == "" {
		return "", false
	}
	return browserIPv4(host)
}

// browserIPv4 returns a host that ends in a number as dotted decimals, and every other host as it is.
func browserIPv4(host string) (string, bool) {
	parts := strings.Split(host, ".")
	if parts[len(parts)-1] == "" && len(parts) > 1 {
		parts = parts[:len(parts)-1]
	}
	last := parts[len(parts)-1]
	if _, ok := browserNumber(last); !ok && (last == "" || strings.Trim(last, "0123456789") != "") {
		return host, true
	}
	if len(parts) > 4 {
		return "", false
	}
	var address uint64
	for i, part := range parts {
		n, ok := browserNumber(part)
		if !ok {
			return "", false
		}
		if i < len(parts)-1 {
			if n > 255 {
				return "", false
			}
			address |= n << (8 * (3 - i))
			continue
		}
		if n >= 1<<(8*(5-len(parts))) {
			return "", false
		}
		address |= n
	}
	return fmt.Sprintf("%d.%d.%d.%d", address>>24, address>>16&255, address>>8&255, address&255), true
}

// browserNumber reads a part of an IPv4 address: decimal, or octal after "0", or hexadecimal after "0x".
func browserNumber(s string) (uint64, bool) {
	base, digits := 10, s
	switch {
	case s == "":
		return 0, false
	case strings.HasPrefix(s, "0x"):
		base, digits = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base, digits = 8, s[1:]
	}
	if digits == "" {
		return 0, true
	}
	// Digits come first: ParseUint may report overflow before it has seen a character that is no digit.
	if strings.Trim(digits, "0123456789abcdef"[:base]) != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return 1 << 40, true
	}
	return n, true
}

// browserIPv6 follows the IPv6 parser of the standard, by groups instead of by characters.
func browserIPv6(s string) (pieces [8]uint16, ok bool) {
	left, right, compressed := strings.Cut(s, "::")
	head, ok := ipv6Groups(left, !compressed)
	if !ok {
		return pieces, false
	}
	if !compressed {
		return [8]uint16(append(head, make([]uint16, 8)...)), len(head) == 8
	}
	tail, ok := ipv6Groups(right, true)
	if !ok || len(head)+len(tail) > 7 {
		return pieces, false
	}
	copy(pieces[:], head)
	copy(pieces[8-len(tail):], tail)
	return pieces, true
}

func ipv6Groups(s string, last bool) ([]uint16, bool) {
	if s == "" {
		return nil, true
	}
	var groups []uint16
	parts := strings.Split(s, ":")
	for i, part := range parts {
		if last && i == len(parts)-1 && strings.Contains(part, ".") {
			var quad [4]uint16
			octets := strings.Split(part, ".")
			if len(octets) != 4 {
				return nil, false
			}
			for j, octet := range octets {
				n, err := strconv.ParseUint(octet, 10, 8)
				if err != nil || octet != strconv.FormatUint(n, 10) {
					return nil, false
				}
				quad[j] = uint16(n)
			}
			return append(groups, quad[0]<<8|quad[1], quad[2]<<8|quad[3]), true
		}
		n, err := strconv.ParseUint(part, 16, 16)
		if err != nil || len(part) > 4 {
			return nil, false
		}
		groups = append(groups, uint16(n))
	}
	return groups, len(groups) <= 8
}

func serializeIPv6(pieces [8]uint16) string {
	start, length := -1, 1
	for i := range pieces {
		run := 0
		for i+run < len(pieces) && pieces[i+run] == 0 {
			run++
		}
		if run > length {
			start, length = i, run
		}
	}
	var b strings.Builder
	for i := 0; i < len(pieces); i++ {
		if i == start {
			b.WriteString("::")
			i += length - 1
			continue
		}
		if i > 0 && i != start+length {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%x", pieces[i])
	}
	return b.String()
}

// browserPath resolves dot segments and percent-encodes what the standard's path set names.
func browserPath(path string, special bool) string {
	if special {
		path = strings.ReplaceAll(path, `\`, "/")
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var kept []string
	for i, segment := range segments {
		final := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		case ".":
		default:
			kept = append(kept, percentEncode(segment, " \"<>^`{}"))
			continue
		}
		if final {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

func percentEncode(s, set string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || strings.IndexByte(set, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// percentDecode leaves alone what is not an escape, as browsers do.
func percentDecode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if i+2 < len(s) && s[i] == '%' {
			if decoded, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(decoded)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// decodesToUnicode reports whether s is Punycode (RFC 3492 section 6.2) for text that is not ASCII alone.
func decodesToUnicode(s string) bool {
	var output []rune
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		output, s = []rune(s[:i]), s[i+1:]
	}
	basic := len(output)
	n, index, bias := 128, 0, 72
	for s != "" {
		previous, weight := index, 1
		for k := 36; ; k += 36 {
			if s == "" {
				return false
			}
			digit := strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789", s[0])
			if s = s[1:]; digit < 0 || index > 1<<30 {
				return false
			}
			index += digit * weight
			threshold := min(max(k-bias, 1), 26)
			if digit < threshold {
				break
			}
			if weight *= 36 - threshold; weight > 1<<30 {
				return false
			}
		}
		length := len(output) + 1
		bias = adaptBias(index-previous, length, previous == 0)
		if n += index / length; n > 0x10ffff {
			return false
		}
		index %= length
		output = append(output[:index], append([]rune{rune(n)}, output[index:]...)...)
		index++
	}
	return len(output) > basic
}

func adaptBias(delta, length int, first bool) int {
	if delta /= 2; first {
		delta /= 350
	}
	delta += delta / length
	k := 0
	for ; delta > 455; k += 36 {
		delta /= 35
	}
	return k + 36*delta/(delta+38)
}
