package tour

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/tour/visitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server that gives the same answer everywhere, and a walk to it.
func serve(t *testing.T, handler http.HandlerFunc) *walk {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	w, err := newWalk(Target{BaseURL: server.URL, Resource: server.URL + "/mcp", GRPCAddr: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.close() })
	w.issuer, w.metadataURL = server.URL, server.URL+"/metadata"
	w.server = serverMetadata{Authorize: server.URL + "/authorize", Token: server.URL + "/token", Registration: server.URL + "/register"}
	return w
}

// says returns a handler that writes one answer, in which HOST is the host of the request.
func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], strings.ReplaceAll(header[i+1], "HOST", r.Host))
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(strings.ReplaceAll(body, "HOST", r.Host)))
	}
}

func TestDiscoveryInsistsOnWhatClientsNeed(t *testing.T) {
	const endpoints = `"authorization_endpoint":"a","token_endpoint":"t","registration_endpoint":"r"`
	tests := []struct {
		name    string
		step    step
		answer  http.HandlerFunc
		wantErr string // part of it; empty when the step holds
	}{
		{"a challenge", step{run: (*walk).knock}, says(401, "", "Www-Authenticate", `Bearer resource_metadata="http://HOST/x"`), ""},
		{"no challenge", step{run: (*walk).knock}, says(401, ""), "without a Bearer challenge"},
		{"a challenge that leads nowhere", step{run: (*walk).knock}, says(401, "", "Www-Authenticate", "Bearer"), "names the resource metadata"},
		{"a challenge with an error", step{run: (*walk).knock}, says(401, "", "Www-Authenticate", `Bearer resource_metadata="x", error="invalid_token"`), "invalid_token"},
		{"an open door", step{run: (*walk).knock}, says(200, "{}"), "200 OK"},
		{"resource metadata", step{run: (*walk).readResource}, says(200, `{"resource":"http://HOST/mcp","authorization_servers":["http://HOST"]}`), ""},
		{"metadata of another resource", step{run: (*walk).readResource}, says(200, `{"resource":"http://HOST/","authorization_servers":["http://HOST"]}`), "expected the resource"},
		{"another authorization server", step{run: (*walk).readResource}, says(200, `{"resource":"http://HOST/mcp","authorization_servers":["http://other"]}`), "http://other"},
		{"no authorization server", step{run: (*walk).readResource}, says(200, `{"resource":"http://HOST/mcp"}`), "expected the authorization server"},
		{"no metadata", step{run: (*walk).readResource}, says(404, "not here"), "404 Not Found not here"},
		{"metadata that is a page", step{run: (*walk).readResource}, says(200, "<html>"), "a JSON document"},
		{"server metadata", step{run: (*walk).readServer}, says(200, `{"issuer":"http://HOST",`+endpoints+`,"code_challenge_methods_supported":["S256"],"authorization_response_iss_parameter_supported":true}`), ""},
		{"another issuer", step{run: (*walk).readServer}, says(200, `{"issuer":"http://HOST/",`+endpoints+`}`), "RFC 8414"},
		{"no endpoints", step{run: (*walk).readServer}, says(200, `{"issuer":"http://HOST"}`), "endpoints"},
		{"no PKCE", step{run: (*walk).readServer}, says(200, `{"issuer":"http://HOST",`+endpoints+`}`), "PKCE"},
		{"no iss", step{run: (*walk).readServer}, says(200, `{"issuer":"http://HOST",`+endpoints+`,"code_challenge_methods_supported":["S256"]}`), "RFC 9207"},
		{"a registration", step{run: (*walk).register}, says(201, `{"client_id":"c"}`), ""},
		{"a refused registration", step{run: (*walk).register}, says(400, `{"error":"invalid_redirect_uri"}`), "invalid_redirect_uri"},
		{"a registration without an id", step{run: (*walk).register}, says(201, `{}`), "client id"},
		{"a secret for a public client", step{run: (*walk).register}, says(201, `{"client_id":"c","client_secret":"s"}`), "no secret"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.step.run(serve(t, test.answer), t.Context())
			checkError(t, err, test.wantErr)
		})
	}
}

func TestLoginNoticesPagesThatAreNotTheRightOnes(t *testing.T) {
	const consent = `gatehouse tour 127.0.0.1 <form method=post action=/consent><button name=action value=allow></button></form>`
	tests := []struct {
		name    string
		step    step
		answer  http.HandlerFunc
		wantErr string
	}{
		{"the consent page", step{run: (*walk).authorize}, says(200, consent), ""},
		{"a consent page that names nobody", step{run: (*walk).authorize}, says(200, strings.ReplaceAll(consent, "gatehouse tour", "")), "client's name"},
		{"no consent page", step{run: (*walk).authorize}, says(400, "<title>No</title>unknown client"), `400 "No" at http`},
		{"no question at all", step{run: (*walk).authorize}, says(302, "", "Location", redirectURI+"?error=server_error&error_description=down&code=hidden"), "server_error down"},
		{"no login page after the consent", step{run: (*walk).allow}, says(200, "hello"), "the login page of the provider"},
		{"a password asked for by the server itself", step{run: (*walk).allow}, says(200, "<form><input name=password></form>"), "the login page of the provider"},
		{"a wrong password", step{run: (*walk).logIn}, says(401, "wrong"), "401"},
		{"the client's state at the provider", step{run: (*walk).logIn}, says(302, "", "Location", "http://HOST/auth/callback?code=c&state=ours"), "a state of the server's own"},
		{"the way back", step{run: (*walk).comeBack}, says(302, "", "Location", redirectURI+"?code=ours&state=ours&iss=http://HOST"), ""},
		{"an error on the way back", step{run: (*walk).comeBack}, says(302, "", "Location", redirectURI+"?error=access_denied&state=ours&iss=http://HOST"), "access_denied"},
		{"the provider's code for the client", step{run: (*walk).comeBack}, says(302, "", "Location", redirectURI+"?code=theirs&state=ours&iss=http://HOST"), "a code of the server's own"},
		{"another state", step{run: (*walk).comeBack}, says(302, "", "Location", redirectURI+"?code=ours&state=x&iss=http://HOST"), "the state that the client sent"},
		{"another issuer", step{run: (*walk).comeBack}, says(302, "", "Location", redirectURI+"?code=ours&state=ours&iss=http://x"), "iss=http://x"},
		{"a page instead", step{run: (*walk).comeBack}, says(403, "<title>Wrong browser</title>"), "Wrong browser"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := serve(t, test.answer)
			w.oauth = oauth2.Config{ClientID: "c", RedirectURL: redirectURI, Endpoint: oauth2.Endpoint{AuthURL: w.server.Authorize}}
			w.state = "ours"
			address, _ := url.Parse(w.issuer + callbackPath + "?code=theirs&state=s")
			form := visitor.Form{
				Page: address, Action: address, Method: http.MethodPost,
				Fields: map[string]string{"password": ""}, Buttons: map[string][]string{"action": {"allow"}},
			}
			w.page = &visitor.Page{URL: address, Forms: []visitor.Form{form}}
			_, err := test.step.run(w, t.Context())
			checkError(t, err, test.wantErr)
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error shows a code: %v", err)
			}
		})
	}
}

func TestTokensAreAskedForAndRefused(t *testing.T) {
	const tokens = `{"access_token":"hidden","token_type":"Bearer","expires_in":60,"scope":"mcp"}`
	tests := []struct {
		name    string
		step    step
		answer  http.HandlerFunc
		wantErr string
	}{
		{"tokens", step{run: (*walk).exchange}, says(200, tokens, "Content-Type", "application/json"), ""},
		{"a token without a life", step{run: (*walk).exchange}, says(200, `{"access_token":"hidden","token_type":"Bearer"}`, "Content-Type", "application/json"), "with a life"},
		{"a refused code", step{run: (*walk).exchange}, says(400, `{"error":"invalid_grant"}`, "Content-Type", "application/json"), "invalid_grant"},
		{"a replay that is refused", step{run: (*walk).replay}, says(400, `{"error":"invalid_grant"}`, "Content-Type", "application/json"), ""},
		{"a replay that works", step{run: (*walk).replay}, says(200, tokens, "Content-Type", "application/json"), "redeemed twice"},
		{"a replay that meets an outage", step{run: (*walk).replay}, says(503, `{"error":"temporarily_unavailable"}`, "Content-Type", "application/json"), "503"},
		{"a replay that blames the client", step{run: (*walk).replay}, says(401, `{"error":"invalid_client"}`, "Content-Type", "application/json"), "invalid_client"},
		{"a token that still works after the replay", step{run: (*walk).useRevoked}, says(200, "{}"), "401 invalid_token"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := serve(t, test.answer)
			w.oauth = oauth2.Config{ClientID: "c", Endpoint: oauth2.Endpoint{TokenURL: w.server.Token, AuthStyle: oauth2.AuthStyleInParams}}
			w.tokens = &oauth2.Token{AccessToken: "hidden"}
			_, err := test.step.run(w, t.Context())
			checkError(t, err, test.wantErr)
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error shows a token: %v", err)
			}
		})
	}
}

func TestWalkStopsWhereNothingAnswers(t *testing.T) {
	var out bytes.Buffer
	err := Walk(t.Context(), Target{BaseURL: "http://127.0.0.1:1", Resource: "http://127.0.0.1:1/mcp", GRPCAddr: "127.0.0.1:1"}, &out)
	checkError(t, err, "step 1 of 17")
	if !strings.Contains(out.String(), "✗ Call the MCP endpoint without a token") {
		t.Errorf("printed %s", out.String())
	}
}

func checkError(t *testing.T, err error, part string) {
	t.Helper()
	switch {
	case part == "" && err != nil:
		t.Errorf("got %v", err)
	case part != "" && (err == nil || !strings.Contains(err.Error(), part)):
		t.Errorf("got %v, want an error with %q", err, part)
	}
}
