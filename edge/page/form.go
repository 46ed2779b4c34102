package page

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// errMalformed means that parameters cannot be read.
var errMalformed = errors.New("page: malformed parameters")

// form holds parameters in the order of each name's values.
type form map[string][]string

// parseForm reads application/x-www-form-urlencoded text as browsers write it. Unlike net/url it takes a semicolon for
// data, and it refuses text that is not UTF-8, which no message to the core could carry.
func parseForm(text string) (form, error) {
	f := make(form)
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(value)
		if errName != nil || errValue != nil || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, errMalformed
		}
		f[name] = append(f[name], value)
	}
	return f, nil
}

// has reports whether the parameter is there at all.
func (f form) has(name string) bool { return len(f[name]) > 0 }

// repeated reports whether the parameter stands more than once (RFC 6749 section 3.1).
func (f form) repeated(name string) bool { return len(f[name]) > 1 }

// value returns a parameter that stands once, and an empty string otherwise: of two values, none is the right one.
func (f form) value(name string) string {
	if len(f[name]) != 1 {
		return ""
	}
	return f[name][0]
}

// optional returns nil for a parameter without a value, which counts as left out (RFC 6749 section 3.1).
func (f form) optional(name string) *string {
	value := f.value(name)
	if value == "" {
		return nil
	}
	return &value
}

// without returns a copy that lacks some names.
func (f form) without(names []string) form {
	rest := maps.Clone(f)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// readBody reads the form that a POST carries, and never the query. It answers the failure itself.
func (p *Pages) readBody(w http.ResponseWriter, r *http.Request) (form, bool) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		p.Error(w, r, http.StatusUnsupportedMediaType)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		status := http.StatusBadRequest
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			status = http.StatusRequestEntityTooLarge
		}
		p.Error(w, r, status)
		return nil, false
	}
	return p.parse(w, r, string(body))
}

// readQuery reads the query of a GET. It answers the failure itself.
func (p *Pages) readQuery(w http.ResponseWriter, r *http.Request) (form, bool) {
	return p.parse(w, r, r.URL.RawQuery)
}

func (p *Pages) parse(w http.ResponseWriter, r *http.Request, text string) (form, bool) {
	f, err := parseForm(text)
	if err != nil {
		p.Error(w, r, http.StatusBadRequest)
		return nil, false
	}
	return f, true
}
