package oauth

import "slices"

// Application types (OpenID Connect Dynamic Client Registration 1.0 section 2).
const (
	ApplicationWeb    = "web"
	ApplicationNative = "native"
)

// InferApplicationType returns the application type that a client declared, or the one that its redirect URIs show
// when it declared none. The type loosens no rule, so a type that disagrees with the redirect URIs is kept: Cursor
// declares "web" beside a private-use and a loopback URI. Any other value is an *Error with InvalidClientMetadata.
func InferApplicationType(declared string, uris []RedirectURI) (string, error) {
	switch declared {
	case ApplicationWeb, ApplicationNative:
		return declared, nil
	case "":
		if slices.ContainsFunc(uris, func(r RedirectURI) bool { return r.Kind() != RedirectWeb }) {
			return ApplicationNative, nil
		}
		return ApplicationWeb, nil
	default:
		return "", NewError(InvalidClientMetadata, "application_type must be web or native")
	}
}
