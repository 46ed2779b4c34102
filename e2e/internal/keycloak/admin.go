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

// send calls the admin REST API. It sends a document unless that is nil, and reads the answer unless into is nil.
func (s *Server) send(ctx context.Context, method, path string, document, into any) error {
	token, err := s.adminToken(ctx)
	if err != nil {
		return err
	}
	var body []byte
	if document != nil {
		if body, err = json.Marshal(document); err != nil {
			return fmt.Errorf("keycloak: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, s.baseURL+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("keycloak: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	answer, err := call(req)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("keycloak: %s: %w", path, err)
	}
	return nil
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
