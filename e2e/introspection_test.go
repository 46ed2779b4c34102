package e2e

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// resourceServer registers a confidential client as an operator does, and returns its credentials.
func (d *deployment) resourceServer(t *testing.T) *url.Userinfo {
	t.Helper()
	admin, ctx := d.admin(t)
	created, err := admin.CreateClient(ctx, &gatehousev1.CreateClientRequest{Metadata: &gatehousev1.RegisterClientRequest{
		ClientName:              "E2E resource server",
		RedirectUris:            []string{"https://resource.example/callback"},
		TokenEndpointAuthMethod: "client_secret_basic",
	}})
	if err != nil {
		t.Fatal(err)
	}
	d.secrets.Add("client secret", created.GetClientSecret())
	return url.UserPassword(created.GetClient().GetClientId(), created.GetClientSecret())
}

// introspects: RFC 7662, for callers that an operator has let in. A client that registered itself is told nothing, not even
// about its own token.
func introspects(t *testing.T, d *deployment) {
	s, caller := d.connect(t, d.alice), d.resourceServer(t)
	form := url.Values{"token": {s.access}}
	answer := d.post(t, "/introspect", form, caller)
	if answer.Status != http.StatusOK || !answer.True("active") {
		t.Fatalf("a good token: %s, active %v", answer, answer.True("active"))
	}
	for member, want := range map[string]string{
		"client_id": s.id, "username": d.alice.username, "scope": s.scope, "aud": d.resource(), "iss": d.server.URL,
		"token_type": "Bearer",
	} {
		if got := answer.Text(member); got != want {
			t.Errorf("%s is %q, want %q", member, got, want)
		}
	}
	if answer.Text("sub") == "" || answer.Text("jti") == "" || answer.Number("exp") <= answer.Number("iat") {
		t.Error("sub, jti, iat or exp is missing")
	}
	if answer.Header.Get("Cache-Control") != "no-store" {
		t.Error("the answer may be cached")
	}
	d.checkOperatorIntrospects(t, s)
	password, _ := caller.Password()
	posted := url.Values{"token": {s.access}, "client_id": {caller.Username()}, "client_secret": {password}}
	if answer := d.post(t, "/introspect", posted, nil); answer.Status != http.StatusUnauthorized {
		t.Errorf("by another method than was registered: %s", answer)
	}

	registered, err := d.server.Register(t.Context(), map[string]any{
		"client_name": "E2E web client", "redirect_uris": []string{"https://client.example/callback"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, basic := range map[string]*url.Userinfo{
		"nobody":                          nil,
		"a wrong secret":                  url.UserPassword(caller.Username(), "not-"+password),
		"a client that registered itself": url.UserPassword(registered.Text("client_id"), registered.Text("client_secret")),
	} {
		if answer := d.post(t, "/introspect", form, basic); answer.Status != http.StatusUnauthorized ||
			answer.Text("error") != "invalid_client" {
			t.Errorf("%s: %s, want 401 invalid_client", name, answer)
		}
	}
	own := url.Values{"token": {s.access}, "client_id": {s.id}}
	if answer := d.post(t, "/introspect", own, nil); answer.Status != http.StatusUnauthorized {
		t.Errorf("the public client of the token itself: %s, want 401", answer)
	}
	if answer := d.post(t, "/introspect", url.Values{}, caller); answer.Text("error") != "invalid_request" {
		t.Errorf("no token: %s, want invalid_request", answer)
	}
}

// checkOperatorIntrospects asks with the admin token, as RFC 7662 section 2.1 lets a caller do.
func (d *deployment) checkOperatorIntrospects(t *testing.T, s session) {
	t.Helper()
	for token, want := range map[string]int{d.adminToken(t): http.StatusOK, s.access: http.StatusUnauthorized} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.server.URL+"/introspect",
			strings.NewReader(url.Values{"token": {s.access}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer "+token)
		if answer, err := oauthclient.Do(req); err != nil || answer.Status != want {
			t.Errorf("with a bearer token: %s, %v; want %d", answer, err, want)
		}
	}
}

// hidesInactiveTokens: RFC 7662 section 2.2. The answers are the same to the byte.
func hidesInactiveTokens(t *testing.T, d *deployment) {
	caller, s, revoked := d.resourceServer(t), d.connect(t, d.alice), d.connect(t, d.alice)
	if answer := d.post(t, "/revoke", url.Values{"token": {revoked.refresh}, "client_id": {revoked.id}}, nil); answer.Status != http.StatusOK {
		t.Fatalf("revoke: %s", answer)
	}
	tokens := map[string]string{
		"garbage":         "garbage",
		"a refresh token": s.refresh,
		"a code":          s.code,
		"a revoked one":   revoked.access,
	}
	maps.Copy(tokens, forgeries(t, d, s.access))
	eventually(t, revocationDelay, "the end of the revoked token", func() bool {
		return !d.post(t, "/introspect", url.Values{"token": {revoked.access}}, caller).True("active")
	})
	var first oauthclient.Answer
	for name, token := range tokens {
		answer := d.post(t, "/introspect", url.Values{"token": {token}}, caller)
		if first.Body == nil {
			first = answer
		}
		if answer.Status != http.StatusOK || string(answer.Body) != string(first.Body) || answer.True("active") {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
	}
	if string(first.Body) != `{"active":false}` {
		t.Errorf("the answer is %s", first.Body)
	}
}
