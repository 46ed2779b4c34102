package upstream

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Keycloak returns the issuer of a realm. baseURL is where Keycloak is served, with its relative path if it has one
// ("/auth" up to version 16).
func Keycloak(baseURL, realm string) (string, error) {
	base := strings.TrimRight(baseURL, "/")
	// Whether http is acceptable is for NewOIDC to say.
	if err := checkURL(base, true); err != nil {
		return "", fmt.Errorf("upstream: Keycloak base URL: %w", err)
	}
	if strings.Contains(base, "/realms/") {
		return "", errors.New("upstream: Keycloak base URL: it must end before /realms/")
	}
	if realm == "" || strings.ContainsAny(realm, "/\\?#") || realm == "." || realm == ".." {
		return "", errors.New("upstream: Keycloak realm: it must be the name of a realm")
	}
	return base + "/realms/" + url.PathEscape(realm), nil
}

// KeycloakConfig returns the configuration for a confidential client in a Keycloak realm, with the standard flow and
// the scopes openid, profile and email. Adjust it before NewOIDC.
func KeycloakConfig(baseURL, realm, clientID string, clientSecret secret.Text, redirectURL string) (OIDCConfig, error) {
	issuer, err := Keycloak(baseURL, realm)
	if err != nil {
		return OIDCConfig{}, err
	}
	return OIDCConfig{
		Name:         "keycloak",
		DisplayName:  "Keycloak",
		Issuer:       issuer,
		ClientID:     clientID,
		ClientSecret: clientSecret,
		RedirectURL:  redirectURL,
		AuthStyle:    AuthBasic,
	}, nil
}
