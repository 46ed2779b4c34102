package keycloak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Realm describes a realm with one confidential client that has to use PKCE with S256, as an administrator would set
// it up for Gatehouse.
type Realm struct {
	Name                   string
	ClientID, ClientSecret string
	RedirectURI            string
	Users                  []User
	// AccessTokenLife is how long access tokens of the realm live.
	AccessTokenLife time.Duration
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
	return s.admin(ctx, http.MethodPost, "/admin/realms", map[string]any{
		"realm": realm.Name, "enabled": true,
		"accessTokenLifespan": int(realm.AccessTokenLife.Seconds()),
		"users":               users,
		"clients": []any{map[string]any{
			"clientId": realm.ClientID, "secret": realm.ClientSecret, "protocol": "openid-connect", "enabled": true,
			"publicClient": false, "standardFlowEnabled": true, "directAccessGrantsEnabled": false,
			"redirectUris": []string{realm.RedirectURI},
			"attributes":   map[string]string{"pkce.code.challenge.method": "S256"},
		}},
	}, nil)
}

// EndSessions logs a user out everywhere: refresh tokens of the user stop working.
func (s *Server) EndSessions(ctx context.Context, realm, username string) error {
	base := "/admin/realms/" + url.PathEscape(realm) + "/users"
	var found []struct{ ID string }
	if err := s.admin(ctx, http.MethodGet, base+"?exact=true&username="+url.QueryEscape(username), nil, &found); err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("keycloak: %d users are called %s", len(found), username)
	}
	return s.admin(ctx, http.MethodPost, base+"/"+url.PathEscape(found[0].ID)+"/logout", nil, nil)
}

// admin calls the admin REST API.
func (s *Server) admin(ctx context.Context, method, path string, document, answer any) error {
	token, err := s.adminToken(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("keycloak: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.baseURL+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("keycloak: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	return call(req, answer)
}

func (s *Server) adminToken(ctx context.Context) (string, error) {
	form := url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {adminUser}, "password": {s.password},
	}
	endpoint := s.baseURL + "/realms/master/protocol/openid-connect/token"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("keycloak: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = call(req, &answer)
	return answer.AccessToken, err
}

// call sends a request and decodes a 2xx answer, when one is wanted.
func call(req *http.Request, answer any) error {
	client := http.Client{Timeout: time.Minute}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("keycloak: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("keycloak: %w", err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("keycloak: %s %s: %s: %s", req.Method, req.URL.Path, res.Status, body)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("keycloak: %s: %w", req.URL.Path, err)
	}
	return nil
}
