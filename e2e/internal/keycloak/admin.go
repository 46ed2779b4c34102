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
	return s.post(ctx, "/admin/realms", map[string]any{
		"realm": realm.Name, "enabled": true,
		"users": users,
		"clients": []any{map[string]any{
			"clientId": realm.ClientID, "secret": realm.ClientSecret, "protocol": "openid-connect", "enabled": true,
			"publicClient": false, "standardFlowEnabled": true, "directAccessGrantsEnabled": false,
			"redirectUris": []string{realm.RedirectURI},
			"attributes":   map[string]string{"pkce.code.challenge.method": "S256"},
		}},
	})
}

// post calls the admin REST API.
func (s *Server) post(ctx context.Context, path string, document any) error {
	token, err := s.adminToken(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("keycloak: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.baseURL+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("keycloak: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	_, err = call(req)
	return err
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
	body, err := call(req)
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("keycloak: token: %w", err)
	}
	return answer.AccessToken, nil
}

// call sends a request and returns the body of a 2xx answer.
func call(req *http.Request) ([]byte, error) {
	client := http.Client{Timeout: time.Minute}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("keycloak: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("keycloak: %w", err)
	}
	if res.StatusCode/100 != 2 {
		return nil, fmt.Errorf("keycloak: %s %s: %s: %s", req.Method, req.URL.Path, res.Status, body)
	}
	return body, nil
}
