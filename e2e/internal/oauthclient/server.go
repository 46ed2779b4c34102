// Package oauthclient speaks OAuth as MCP clients do, one request at a time, and reports every secret that it sends or
// gets. It checks nothing by itself: tests do.
package oauthclient

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Server is an authorization server as a client sees it.
type Server struct {
	// URL is its origin, without a trailing slash.
	URL string
	// Secret is told every secret, with its kind.
	Secret func(kind, value string)
	// Transport is the way to the server; nil is the usual one.
	Transport http.RoundTripper
}

// Answer is an HTTP answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// String describes the answer for a failed test. It shows the body of errors only, for others hold tokens.
func (a Answer) String() string {
	if a.Status < http.StatusBadRequest {
		return fmt.Sprintf("%d with %d bytes", a.Status, len(a.Body))
	}
	return fmt.Sprintf("%d %.500s", a.Status, a.Body)
}

// Text returns a string member of a JSON answer, or "".
func (a Answer) Text(member string) string {
	value, _ := a.members()[member].(string)
	return value
}

// Number returns a number member of a JSON answer, or 0.
func (a Answer) Number(member string) float64 {
	value, _ := a.members()[member].(float64)
	return value
}

// True reports whether a member of a JSON answer is true.
func (a Answer) True(member string) bool {
	value, _ := a.members()[member].(bool)
	return value
}

// Texts returns a member of a JSON answer that is a list of strings, or nil.
func (a Answer) Texts(member string) []string {
	list, _ := a.members()[member].([]any)
	var texts []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// Has reports whether a JSON answer has a member.
func (a Answer) Has(member string) bool {
	_, ok := a.members()[member]
	return ok
}

func (a Answer) members() map[string]any {
	var members map[string]any
	if json.Unmarshal(a.Body, &members) != nil {
		return nil
	}
	return members
}

// Get reads a document.
func (s Server) Get(ctx context.Context, path string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return Answer{}, fmt.Errorf("oauthclient: %w", err)
	}
	return send(s.Transport, req)
}

// Register sends client metadata to /register.
func (s Server) Register(ctx context.Context, metadata map[string]any) (Answer, error) {
	document, err := json.Marshal(metadata)
	if err != nil {
		return Answer{}, fmt.Errorf("oauthclient: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/register", strings.NewReader(string(document)))
	if err != nil {
		return Answer{}, fmt.Errorf("oauthclient: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := send(s.Transport, req)
	s.Secret("client secret", answer.Text("client_secret"))
	return answer, err
}

// Token sends a form to /token, with HTTP Basic when basic is not nil.
func (s Server) Token(ctx context.Context, form url.Values, basic *url.Userinfo) (Answer, error) {
	answer, err := s.Post(ctx, "/token", form, basic)
	s.Secret("access token", answer.Text("access_token"))
	s.Secret("refresh token", answer.Text("refresh_token"))
	return answer, err
}

// Post sends a form, with HTTP Basic when basic is not nil.
func (s Server) Post(ctx context.Context, path string, form url.Values, basic *url.Userinfo) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, fmt.Errorf("oauthclient: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic != nil {
		password, _ := basic.Password()
		req.SetBasicAuth(url.QueryEscape(basic.Username()), url.QueryEscape(password))
	}
	return send(s.Transport, req)
}

// Do sends a request and reads the answer. It follows no redirect.
func Do(req *http.Request) (Answer, error) { return send(nil, req) }

func send(transport http.RoundTripper, req *http.Request) (Answer, error) {
	client := http.Client{
		Transport:     transport,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("oauthclient: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return Answer{}, fmt.Errorf("oauthclient: %w", err)
	}
	return Answer{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}
