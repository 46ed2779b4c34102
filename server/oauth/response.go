package oauth

import (
	"net/url"
	"strings"
)

// Param is one parameter of an authorization response.
type Param struct {
	Name, Value string
}

// WithResponse returns the URI with the parameters added to its query, in order (RFC 6749 section 4.1.2). What was
// registered stays byte for byte. Parsing has made sure that no parameter of the response stands there already.
func (r RedirectURI) WithResponse(params ...Param) string {
	var b strings.Builder
	b.WriteString(r.raw)
	separator := querySeparator(r.raw)
	for _, p := range params {
		b.WriteString(separator)
		b.WriteString(escapeParam(p.Name))
		b.WriteByte('=')
		b.WriteString(escapeParam(p.Value))
		separator = "&"
	}
	return b.String()
}

// querySeparator returns what must stand between a URI without a fragment and one more parameter.
func querySeparator(raw string) string {
	switch _, query, found := strings.Cut(raw, "?"); {
	case !found:
		return "?"
	case query == "", strings.HasSuffix(query, "&"):
		return ""
	default:
		return "&"
	}
}

// escapeParam encodes spaces as %20, which means the same to decoders of forms and of plain URIs. Handlers of
// private-use schemes are often the latter.
func escapeParam(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// checkRegisteredQuery refuses a query, given with its "?", that would blur the response: a client that takes the
// first of two codes takes the attacker's.
func checkRegisteredQuery(query string) error {
	seen := make(map[string]bool)
	pairs := strings.FieldsFuncSeq(strings.TrimPrefix(query, "?"), func(r rune) bool { return r == '&' || r == ';' })
	for pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		name, err := foldParam(name)
		if err != nil {
			return err
		}
		if isResponseParam(name) {
			return faultReserved
		}
		if seen[name] {
			return faultRepeated
		}
		seen[name] = true
	}
	return nil
}

// foldParam maps a parameter name to what the laxest framework makes of it: names without case, and, as PHP does,
// without leading spaces, with "_" for dots and spaces, and ending at a bracket or NUL.
func foldParam(name string) (string, error) {
	name, err := url.QueryUnescape(name)
	if err != nil {
		return "", faultPercent
	}
	name, _ = cutBefore(strings.TrimLeft(name, " "), "[\x00")
	name = strings.NewReplacer(".", "_", " ", "_").Replace(name)
	return strings.ToLower(strings.ToUpper(name)), nil
}

// isResponseParam names the parameters of authorization responses: RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207, and
// the response modes and types of OpenID Connect and JARM that some client libraries read unasked.
func isResponseParam(name string) bool {
	switch name {
	case "code", "state", "iss", "error", "error_description", "error_uri",
		"access_token", "id_token", "token_type", "expires_in", "session_state", "response":
		return true
	}
	return false
}
