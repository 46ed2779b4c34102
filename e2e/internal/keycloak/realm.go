package keycloak

import (
	"context"
	"net/http"
	"time"
)

// Realm describes a realm.
type Realm struct {
	Name string
	// AccessLife is the life of access tokens; 0 means what Keycloak takes.
	AccessLife time.Duration
	Clients    []Client
	Users      []User
}

// Client is a confidential client that has to use PKCE with S256, as an administrator would set it up for Gatehouse.
type Client struct {
	ID, Secret  string
	RedirectURI string
	// LogoutURL is where Keycloak says that a session has ended; empty for nowhere.
	LogoutURL string
}

// User is a user of a realm.
type User struct {
	Username, Password           string
	GivenName, FamilyName, Email string
}

// CreateRealm creates a realm through the admin REST API.
func (s *Server) CreateRealm(ctx context.Context, realm Realm) error {
	users := make([]any, len(realm.Users))
	for i, user := range realm.Users {
		users[i] = map[string]any{
			"username": user.Username, "enabled": true, "emailVerified": true,
			"firstName": user.GivenName, "lastName": user.FamilyName, "email": user.Email,
			"credentials": []any{map[string]any{"type": "password", "value": user.Password, "temporary": false}},
		}
	}
	clients := make([]any, len(realm.Clients))
	for i, client := range realm.Clients {
		clients[i] = map[string]any{
			"clientId": client.ID, "secret": client.Secret, "protocol": "openid-connect", "enabled": true,
			"publicClient": false, "standardFlowEnabled": true, "directAccessGrantsEnabled": false,
			"redirectUris": []string{client.RedirectURI},
			"attributes": map[string]string{
				"pkce.code.challenge.method": "S256",
				"backchannel.logout.url":     client.LogoutURL, "backchannel.logout.session.required": "true",
			},
		}
	}
	document := map[string]any{"realm": realm.Name, "enabled": true, "users": users, "clients": clients}
	if realm.AccessLife > 0 {
		document["accessTokenLifespan"] = int(realm.AccessLife.Seconds())
	}
	return s.send(ctx, http.MethodPost, "/admin/realms", document, nil)
}
