package registration

import (
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	maxContacts      = 10
	maxSoftwareBytes = 256
)

// validate turns metadata into a client without an id.
func (r *Registrar) validate(m Metadata) (storage.Client, error) {
	uris, err := oauth.ParseRedirectURIs(m.RedirectURIs, r.policy.Schemes)
	if err != nil {
		return storage.Client{}, err
	}
	client := storage.Client{
		ClientURI:       m.ClientURI,
		LogoURI:         m.LogoURI,
		SoftwareID:      m.SoftwareID,
		SoftwareVersion: m.SoftwareVersion,
	}
	for _, uri := range uris {
		client.RedirectURIs = append(client.RedirectURIs, uri.String())
	}
	if client.ApplicationType, err = oauth.InferApplicationType(m.ApplicationType, uris); err != nil {
		return storage.Client{}, err
	}
	if client.AuthMethod, err = authMethod(m.AuthMethod); err != nil {
		return storage.Client{}, err
	}
	if client.GrantTypes, err = grantTypes(m.GrantTypes, m.ResponseTypes); err != nil {
		return storage.Client{}, err
	}
	if client.Name, err = oauth.NormalizeName(m.Name); err != nil {
		return storage.Client{}, err
	}
	if client.Scopes, err = r.scopes(m.Scope); err != nil {
		return storage.Client{}, err
	}
	return client, checkDescriptive(m)
}

// authMethod defaults as RFC 7591 section 2 says.
func authMethod(requested string) (string, error) {
	if requested == "" {
		return MethodBasic, nil
	}
	if !slices.Contains(Methods(), requested) {
		return "", oauth.NewError(oauth.InvalidClientMetadata,
			"token_endpoint_auth_method must be none, client_secret_basic or client_secret_post.")
	}
	return requested, nil
}

// grantTypes keeps what the server supports. RFC 7591 section 3.2.1 lets it replace values, and the response says what
// stands; clients that list every grant they know would otherwise be locked out.
func grantTypes(grants, responses []string) ([]string, error) {
	supported := []string{GrantAuthorizationCode, GrantRefreshToken}
	if len(responses) > 0 && !slices.Contains(responses, responseTypeCode) {
		return nil, oauth.NewError(oauth.InvalidClientMetadata, "response_types must include code.")
	}
	if len(grants) == 0 {
		return supported, nil
	}
	if !slices.Contains(grants, GrantAuthorizationCode) {
		return nil, oauth.NewError(oauth.InvalidClientMetadata, "grant_types must include authorization_code.")
	}
	return slices.DeleteFunc(supported, func(grant string) bool { return !slices.Contains(grants, grant) }), nil
}

// scopes is the upper bound of what the client may ask for. A client that names none, or none that exist, may ask for
// all.
func (r *Registrar) scopes(requested string) ([]string, error) {
	parsed, err := oauth.ParseScopes(requested)
	if err != nil {
		return nil, oauth.NewError(oauth.InvalidClientMetadata, "scope is not a list of scopes separated by spaces.").WithCause(err)
	}
	if known := parsed.Intersect(r.policy.Scopes); len(known) > 0 {
		return known, nil
	}
	return slices.Clone(r.policy.Scopes), nil
}

// checkDescriptive bounds what is only echoed or shown.
func checkDescriptive(m Metadata) error {
	for field, uri := range map[string]string{
		"client_uri": m.ClientURI,
		"logo_uri":   m.LogoURI,
		"tos_uri":    m.TermsURI,
		"policy_uri": m.PolicyURI,
	} {
		if err := oauth.ValidateWebURI(field, uri); err != nil {
			return err
		}
	}
	if strings.ContainsRune(m.SoftwareID+m.SoftwareVersion, 0) { // which no store keeps
		return oauth.NewError(oauth.InvalidClientMetadata, "software_id and software_version must have no NUL.")
	}
	tooLong := func(s string) bool { return len(s) > maxSoftwareBytes }
	if tooLong(m.SoftwareID) || tooLong(m.SoftwareVersion) || len(m.Contacts) > maxContacts ||
		slices.ContainsFunc(m.Contacts, tooLong) {
		return oauth.NewError(oauth.InvalidClientMetadata,
			"software_id, software_version and each of at most 10 contacts may have 256 bytes.")
	}
	return nil
}
