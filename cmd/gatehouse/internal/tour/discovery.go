package tour

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/connect/challenge"
)

// maxDocument is the most that is read of a document.
const maxDocument = 1 << 20

// resourceMetadata is the part of RFC 9728 section 2 that clients need.
type resourceMetadata struct {
	Resource string   `json:"resource"`
	Servers  []string `json:"authorization_servers"`
}

// serverMetadata is the part of RFC 8414 section 2 that clients need.
type serverMetadata struct {
	Issuer       string   `json:"issuer"`
	Authorize    string   `json:"authorization_endpoint"`
	Token        string   `json:"token_endpoint"`
	Registration string   `json:"registration_endpoint"`
	Challenges   []string `json:"code_challenge_methods_supported"`
	GrantTypes   []string `json:"grant_types_supported"`
	SendsIssuer  bool     `json:"authorization_response_iss_parameter_supported"`
}

// knock is refused with a challenge that says where to read on (RFC 6750 section 3, RFC 9728 section 5.1).
func (w *walk) knock(ctx context.Context) (string, error) {
	status, params, err := w.callWith(ctx, "")
	if err != nil {
		return "", err
	}
	if status != http.StatusUnauthorized || params["resource_metadata"] == "" {
		return "", unlike("401 with a Bearer challenge that names the resource metadata", answer(status, params))
	}
	if problem := params["error"]; problem != "" {
		return "", unlike("a challenge without an error, since nothing was tried (RFC 6750 section 3.1)", problem)
	}
	w.metadataURL = params["resource_metadata"]
	return "401, the challenge leads to " + strings.TrimPrefix(w.metadataURL, w.target.BaseURL), nil
}

// callWith sends a message to the MCP endpoint, and returns the status and the parameters of the challenge.
func (w *walk) callWith(ctx context.Context, token string) (int, map[string]string, error) {
	const ping = `{"jsonrpc":"2.0","id":0,"method":"ping"}`
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.target.Resource, strings.NewReader(ping))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := w.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	response.Body.Close()
	params, _ := challenge.Bearer(response.Header.Values("Www-Authenticate"))
	return response.StatusCode, params, nil
}

func answer(status int, params map[string]string) string {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if params == nil {
		return text + " without a Bearer challenge"
	}
	return fmt.Sprintf("%s with the challenge %v", text, params)
}

// readResource learns who may issue tokens.
func (w *walk) readResource(ctx context.Context) (string, error) {
	var metadata resourceMetadata
	if err := w.getJSON(ctx, w.metadataURL, &metadata); err != nil {
		return "", err
	}
	if metadata.Resource != w.target.Resource {
		return "", unlike("the resource "+w.target.Resource, metadata.Resource)
	}
	if len(metadata.Servers) == 0 || metadata.Servers[0] != w.target.BaseURL {
		return "", unlike("the authorization server "+w.target.BaseURL, strings.Join(metadata.Servers, " "))
	}
	w.issuer = metadata.Servers[0]
	return "tokens come from " + w.issuer, nil
}

// readServer learns the endpoints, and that the server can do what a careful client insists on.
func (w *walk) readServer(ctx context.Context) (string, error) {
	var s serverMetadata
	if err := w.getJSON(ctx, w.issuer+"/.well-known/oauth-authorization-server", &s); err != nil {
		return "", err
	}
	switch {
	case s.Issuer != w.issuer:
		return "", unlike("the issuer "+w.issuer+" (RFC 8414 section 3.3)", s.Issuer)
	case s.Authorize == "" || s.Token == "" || s.Registration == "":
		return "", unlike("endpoints for authorization, token and registration",
			fmt.Sprintf("%q, %q and %q", s.Authorize, s.Token, s.Registration))
	case !slices.Contains(s.Challenges, "S256"):
		return "", unlike("PKCE with S256", strings.Join(s.Challenges, " "))
	case !s.SendsIssuer:
		return "", unlike("the promise to send iss with every answer (RFC 9207)", "none")
	}
	w.server = s
	return "registration, PKCE with S256, iss in every answer", nil
}

func (w *walk) getJSON(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	return w.readJSON(request, http.StatusOK, into)
}

// readJSON sends a request and reads the JSON document that comes with the status.
func (w *walk) readJSON(request *http.Request, status int, into any) error {
	response, err := w.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument))
	if err != nil {
		return err
	}
	if response.StatusCode != status {
		return unlike(fmt.Sprintf("%d from %s", status, request.URL), fmt.Sprintf("%s %.300s", response.Status, body))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return unlike("a JSON document from "+request.URL.String(), fmt.Sprintf("%.300s", body))
	}
	return nil
}
