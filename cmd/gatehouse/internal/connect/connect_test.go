package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunExplainsWhatIsWrongWithTheServer(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	tests := []struct {
		name   string
		url    string
		status int
		want   string
	}{
		{name: "nobody answers", url: gone.URL + "/mcp", want: "gatehouse dev"},
		{name: "no URL", url: "127.0.0.1:8000", want: "looks like https://"},
		{name: "no http", url: "ftp://h/mcp", want: "looks like https://"},
		{name: "no endpoint", status: 404, want: "no MCP endpoint at this address: the server answers 404"},
		{name: "a redirect", status: 302, want: "no MCP endpoint"},
		{name: "another host", status: 421, want: "the server answers 421"},
		{name: "an outage", status: 503, want: "cannot answer now: 503"},
		{name: "a login without a server for it", status: 401, want: "PKCE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.status != 0 {
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/mcp" {
						http.NotFound(w, r)
						return
					}
					w.WriteHeader(test.status)
				}))
				defer s.Close()
				test.url = s.URL + "/mcp"
			}
			err := Run(t.Context(), new(bytes.Buffer), Options{URL: test.url, Timeout: time.Minute})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// TestRunShowsWhatAServerOffers needs no login, and finds one of the samples.
func TestRunShowsWhatAServerOffers(t *testing.T) {
	mcpServer := server.NewMCPServer("open\x1b[31m", "1", server.WithToolCapabilities(false))
	mcpServer.AddTool(mcp.NewTool("greet", mcp.WithDescription("Greets.\nEven \x1b[2Jyou.")),
		func(_ context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultText("Hi " + request.GetString("name", "") + "\nand \x07bye"), nil
		})
	mcpServer.AddTool(mcp.NewTool("x"), nil)
	endpoint := httptest.NewServer(server.NewStreamableHTTPServer(mcpServer))
	defer endpoint.Close()

	var out bytes.Buffer
	if err := Run(t.Context(), &out, Options{URL: endpoint.URL + "/mcp", Name: "Bob"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"The server lets everybody in",
		"Connected to open[31m 1, protocol version " + mcp.LATEST_PROTOCOL_VERSION,
		"Tools\n  greet   Greets. Even [2Jyou.\n  x       \n",
		"Resources\n  none\n",
		"greet(name: \"Bob\")\n  Hi Bob\n  and bye\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("printed %q, without %q", out.String(), want)
		}
	}
}

// authorizationServer is a resource and its authorization server, as far as a client needs them before the login.
type authorizationServer struct {
	*httptest.Server
	methods   []string // of PKCE
	announces bool     // RFC 9207
	form      url.Values
}

func newAuthorizationServer(t *testing.T) *authorizationServer {
	t.Helper()
	s := &authorizationServer{methods: []string{"S256"}, announces: true}
	mux := http.NewServeMux()
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Www-Authenticate", fmt.Sprintf(`Bearer resource_metadata="http://%s/resource", scope="mcp more"`, r.Host))
		w.WriteHeader(http.StatusUnauthorized)
	})
	mux.HandleFunc("/resource", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"resource": s.URL + "/mcp", "authorization_servers": []string{s.URL}})
	})
	mux.HandleFunc("/.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{
			"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize",
			"token_endpoint": s.URL + "/token", "registration_endpoint": s.URL + "/register",
			"code_challenge_methods_supported":               s.methods,
			"authorization_response_iss_parameter_supported": s.announces,
		})
	})
	mux.HandleFunc("/register", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		writeJSON(w, map[string]any{"client_id": "c", "token_endpoint_auth_method": "none"})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		s.form = r.PostForm
		w.WriteHeader(http.StatusBadRequest)
		writeJSON(w, map[string]any{"error": "invalid_grant", "error_description": "too\x1b late"})
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func writeJSON(w http.ResponseWriter, document any) { _ = json.NewEncoder(w).Encode(document) }

// visit is a browser that brings an answer to the client at once: parameters of the request, and others.
func visit(t *testing.T, request *url.Values, answer func(asked url.Values) url.Values) func(context.Context, string) error {
	t.Helper()
	return func(_ context.Context, address string) error {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		*request = u.Query()
		go func() {
			response, err := http.Get(request.Get("redirect_uri") + "?" + answer(*request).Encode())
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
		}()
		return nil
	}
}

func TestLoginAsksByTheBook(t *testing.T) {
	s := newAuthorizationServer(t)
	var asked url.Values
	err := Run(t.Context(), new(bytes.Buffer), Options{
		URL:     s.URL + "/mcp",
		Timeout: time.Minute,
		Browse: visit(t, &asked, func(asked url.Values) url.Values {
			return url.Values{"code": {"the-code"}, "state": asked["state"], "iss": {s.URL}}
		}),
	})
	if err == nil || !strings.Contains(err.Error(), "the code was not accepted") || !strings.Contains(err.Error(), "too late") {
		t.Errorf("a refused code ended with %v", err)
	}
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "c", "code_challenge_method": "S256", "scope": "mcp more", "resource": s.URL + "/mcp",
	} {
		if got := asked.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(asked.Get("redirect_uri"), "http://127.0.0.1:") || len(asked.Get("state")) < 16 || len(asked.Get("code_challenge")) != 43 {
		t.Errorf("asked with %v", asked)
	}
	for name, want := range map[string]string{
		"grant_type": "authorization_code", "code": "the-code", "client_id": "c", "redirect_uri": asked.Get("redirect_uri"), "resource": s.URL + "/mcp",
	} {
		if got := s.form.Get(name); got != want {
			t.Errorf("at the token endpoint %s is %q, want %q", name, got, want)
		}
	}
	if len(s.form.Get("code_verifier")) < 43 {
		t.Error("the verifier is missing")
	}
}

func TestLoginRefusesAnswersOfOthers(t *testing.T) {
	tests := []struct {
		name      string
		announces bool
		answer    url.Values
		want      string
	}{
		{"another issuer", true, url.Values{"code": {"c"}, "iss": {"http://evil"}}, "RFC 9207"},
		{"no issuer although announced", true, url.Values{"code": {"c"}}, "RFC 9207"},
		{"no issuer, none announced", false, url.Values{"code": {"c"}}, "too late"},
		{"the user said no", true, url.Values{"error": {"access_denied"}, "iss": {"SERVER"}}, "access_denied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newAuthorizationServer(t)
			s.announces = test.announces
			var asked url.Values
			err := Run(t.Context(), new(bytes.Buffer), Options{
				URL:     s.URL + "/mcp",
				Timeout: time.Minute,
				Browse: visit(t, &asked, func(asked url.Values) url.Values {
					test.answer.Set("state", asked.Get("state"))
					if test.answer.Get("iss") == "SERVER" {
						test.answer.Set("iss", s.URL)
					}
					return test.answer
				}),
			})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
			if redeemed := s.form != nil; redeemed != (test.want == "too late") {
				t.Errorf("the code was sent to the token endpoint: %v", redeemed)
			}
		})
	}
}

func TestLoginNeedsPKCE(t *testing.T) {
	s := newAuthorizationServer(t)
	s.methods = []string{"plain"}
	err := Run(t.Context(), new(bytes.Buffer), Options{URL: s.URL + "/mcp", Timeout: time.Minute})
	if err == nil || !strings.Contains(err.Error(), "PKCE") {
		t.Errorf("got %v", err)
	}
}

func TestLoginDoesNotWaitForEver(t *testing.T) {
	s := newAuthorizationServer(t)
	var out bytes.Buffer
	err := Run(t.Context(), &out, Options{URL: s.URL + "/mcp", Timeout: time.Millisecond})
	if err == nil || err.Error() != "nobody logged in within 1ms" {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(out.String(), s.URL+"/authorize?") {
		t.Errorf("the address is not in %q", out.String())
	}
}

func TestInterrupt(t *testing.T) {
	s := newAuthorizationServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := Run(ctx, new(bytes.Buffer), Options{
		URL: s.URL + "/mcp", Timeout: time.Minute,
		Browse: func(context.Context, string) error {
			cancel()
			return nil
		},
	})
	if err == nil || err.Error() != "interrupted" {
		t.Errorf("got %v", err)
	}
}

func TestMetadataURLs(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://h":      "https://h/.well-known/oauth-authorization-server https://h/.well-known/openid-configuration https://h/.well-known/openid-configuration",
		"https://h/":     "https://h/.well-known/oauth-authorization-server https://h/.well-known/openid-configuration https://h/.well-known/openid-configuration",
		"https://h/a%2F": "https://h/.well-known/oauth-authorization-server/a%2F https://h/.well-known/openid-configuration/a%2F https://h/a%2F/.well-known/openid-configuration",
	} {
		if got := strings.Join(metadataURLs(issuer), " "); got != want {
			t.Errorf("%s: %s", issuer, got)
		}
	}
}
