package oauth

import (
	"fmt"
	"slices"
	"strings"
)

// PrivateUseSchemes lists the URI schemes without a dot that redirect URIs may use, in lower case. Schemes that are a
// reversed domain name, such as "com.example.app", need not be listed (RFC 8252 section 7.1).
type PrivateUseSchemes []string

// DefaultPrivateUseSchemes returns the schemes that well-known MCP clients register. A client registers all of its
// redirect URIs at once, so refusing one of them locks the client out.
func DefaultPrivateUseSchemes() PrivateUseSchemes {
	return PrivateUseSchemes{
		"cursor", "cursor-nightly", "grokbot", "kiro", "raycast",
		"vscode", "vscode-insiders", "vscodium", "warp", "windsurf", "zed",
	}
}

// Validate returns an error for a list that no operator can mean: one with an entry that is no scheme, or with a
// scheme that means something to browsers and must never be a redirect target.
func (s PrivateUseSchemes) Validate() error {
	for _, scheme := range s {
		if !isScheme(scheme) {
			return fmt.Errorf("oauth: %q is not a URI scheme in lower case", scheme)
		}
		if isBrowserScheme(scheme) {
			return fmt.Errorf("oauth: %q is not a private-use scheme", scheme)
		}
	}
	return nil
}

// allow reports whether redirect URIs may use the scheme. Being listed does not help a scheme that browsers run,
// read locally or parse by other rules.
func (s PrivateUseSchemes) allow(scheme string) bool {
	return isReverseDomain(scheme) || slices.Contains(s, scheme) && !isBrowserScheme(scheme)
}

func isReverseDomain(scheme string) bool {
	if !strings.Contains(scheme, ".") {
		return false
	}
	for label := range strings.SplitSeq(scheme, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

func isBrowserScheme(scheme string) bool {
	switch scheme {
	case "http", "https", "ws", "wss", "ftp", "file",
		"javascript", "vbscript", "livescript", "data", "blob", "filesystem", "about", "view-source",
		"chrome", "edge", "brave", "opera", "resource", "chrome-extension", "moz-extension", "extension",
		"intent", "android-app", "jar", "mailto", "tel", "sms", "ms-msdt", "search-ms", "ms-appinstaller":
		return true
	}
	return false
}
