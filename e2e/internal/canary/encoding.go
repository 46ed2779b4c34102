package canary

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
)

// form is one way to write a secret down.
type form struct {
	encoding string
	text     string
}

// forms returns the secret in every encoding that a scan looks for, each text once.
func forms(secret string) []form {
	var all []form
	seen := make(map[string]bool)
	add := func(encoding, text string) {
		if len(text) >= minLength && !seen[text] {
			seen[text] = true
			all = append(all, form{encoding, text})
		}
	}
	add("raw", secret)
	addEncoded(add, "", secret)
	// A random secret is most often text for bytes, and the bytes are worth as much. A prefix tells people what it is.
	_, unprefixed, _ := strings.Cut(secret, "_")
	for _, text := range []string{secret, unprefixed} {
		if bytes, err := base64.RawURLEncoding.DecodeString(text); err == nil && len(bytes) >= minLength {
			add("decoded", string(bytes))
			addEncoded(add, "decoded, then ", string(bytes))
		}
	}
	return all
}

func addEncoded(add func(encoding, text string), prefix, secret string) {
	for offset := range 3 {
		add(prefix+"base64", aligned(base64.RawStdEncoding, secret, offset))
		add(prefix+"base64url", aligned(base64.RawURLEncoding, secret, offset))
	}
	lower := hex.EncodeToString([]byte(secret))
	add(prefix+"hex", lower)
	add(prefix+"hex", strings.ToUpper(lower))
	add(prefix+"URL-encoded", url.QueryEscape(secret))
	add(prefix+"URL-encoded", url.PathEscape(secret))
	if quoted, err := json.Marshal(secret); err == nil {
		add(prefix+"JSON", strings.Trim(string(quoted), `"`))
	}
}

// aligned returns what every base64 text contains that encodes the secret after a number of other bytes that leaves
// the given remainder modulo three. Characters that depend on the neighbours are left out.
func aligned(encoding *base64.Encoding, secret string, offset int) string {
	text := encoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + secret))
	head := (offset*8 + 5) / 6
	tail := (offset + len(secret)) % 3
	if tail != 0 {
		text = text[:len(text)-1]
	}
	return text[head:]
}
