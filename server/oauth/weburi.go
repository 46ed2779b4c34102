package oauth

import "strings"

// ValidateWebURI checks a URI of client metadata that people may follow, such as client_uri: https, or http on
// loopback for clients under development, and nothing that could run as a script. Empty is valid. The page that shows
// it never loads it. An error is an *Error with InvalidClientMetadata that names the field.
func ValidateWebURI(field, raw string) error {
	if raw == "" {
		return nil
	}
	if err := checkWebURI(raw); err != nil {
		return NewError(InvalidClientMetadata, field+" "+err.Error())
	}
	return nil
}

// checkWebURI is milder than the check of redirect URIs, since no secret travels there: case does not matter, and a
// fragment may follow.
func checkWebURI(raw string) error {
	if len(raw) > maxURI {
		return faultLong
	}
	base, fragment, _ := strings.Cut(raw, "#")
	if err := checkURIBytes(fragment); err != nil {
		return err
	}
	u, err := splitURI(lowerOrigin(base))
	if err != nil {
		return err
	}
	if u.scheme != "https" && u.scheme != "http" {
		return faultScheme
	}
	host, _, err := splitAuthority(u.authority)
	if err != nil {
		return err
	}
	if u.scheme == "http" && !isLoopback(host) {
		return faultPlain
	}
	return nil
}
