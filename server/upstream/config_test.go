package upstream_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

func goodConfig() upstream.OIDCConfig {
	return upstream.OIDCConfig{
		Name: "idp", Issuer: "https://idp.example.com/realms/main", ClientID: "gatehouse",
		ClientSecret: secret.NewText("s"), RedirectURL: "https://mcp.example.com/auth/callback",
	}
}

func TestConfigIsValidated(t *testing.T) {
	type config = *upstream.OIDCConfig
	for name, test := range map[string]struct {
		change func(config)
		want   string // part of the complaint; empty when there is none
	}{
		"good":                     {func(config) {}, ""},
		"http on loopback":         {func(c config) { c.Issuer = "http://127.0.0.1:8080/realms/main" }, ""},
		"http on IPv6 loopback":    {func(c config) { c.Issuer = "http://[::1]:8080" }, ""},
		"http on localhost":        {func(c config) { c.Issuer = "http://localhost:8080" }, ""},
		"http allowed":             {func(c config) { c.Issuer, c.AllowHTTP = "http://keycloak:8080/realms/main", true }, ""},
		"trailing slash":           {func(c config) { c.Issuer = "https://idp.example.com/" }, ""},
		"http elsewhere":           {func(c config) { c.Issuer = "http://idp.example.com" }, "https"},
		"http on a lookalike":      {func(c config) { c.Issuer = "http://localhost.example.com" }, "https"},
		"no issuer":                {func(c config) { c.Issuer = "" }, "issuer"},
		"issuer with a query":      {func(c config) { c.Issuer += "?x" }, "issuer"},
		"issuer with a fragment":   {func(c config) { c.Issuer += "#" }, "issuer"},
		"issuer with a user":       {func(c config) { c.Issuer = "https://u@idp.example.com" }, "issuer"},
		"issuer of another scheme": {func(c config) { c.Issuer = "ftp://idp.example.com" }, "issuer"},
		"no name":                  {func(c config) { c.Name = "" }, "name"},
		"no client id":             {func(c config) { c.ClientID = "" }, "client id"},
		"no client secret":         {func(c config) { c.ClientSecret = secret.Text{} }, "client secret"},
		"scopes without openid":    {func(c config) { c.Scopes = []string{"email"} }, "openid"},
		"auth style to be guessed": {func(c config) { c.AuthStyle = "auto" }, "auth style"},
		"algorithm none":           {func(c config) { c.Algorithms = []string{"RS256", "none"} }, "none"},
		"algorithm HS256":          {func(c config) { c.Algorithms = []string{"HS256"} }, "HS256"},
		"algorithm unknown":        {func(c config) { c.Algorithms = []string{"RS1"} }, "RS1"},
		"negative logout age":      {func(c config) { c.LogoutTokenAge = -1 }, "logout"},
		"relative redirect URL":    {func(c config) { c.RedirectURL = "/auth/callback" }, "redirect"},
		"redirect with a fragment": {func(c config) { c.RedirectURL += "#x" }, "redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			c := goodConfig()
			test.change(&c)
			_, err := upstream.NewOIDC(c)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	_, err := upstream.NewOIDC(upstream.OIDCConfig{Scopes: []string{"email"}, AuthStyle: "x"})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"issuer", "name", "client id", "client secret", "openid", "auth style", "redirect"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestKeycloakIssuer(t *testing.T) {
	for name, test := range map[string]struct{ base, realm, want string }{
		"plain":                      {"https://sso.example.com", "main", "https://sso.example.com/realms/main"},
		"trailing slash":             {"https://sso.example.com/", "main", "https://sso.example.com/realms/main"},
		"relative path":              {"https://sso.example.com/auth", "main", "https://sso.example.com/auth/realms/main"},
		"loopback":                   {"http://127.0.0.1:8080", "main", "http://127.0.0.1:8080/realms/main"},
		"realm with a blank":         {"https://sso.example.com", "my realm", "https://sso.example.com/realms/my%20realm"},
		"realm in upper case":        {"https://sso.example.com", "Main", "https://sso.example.com/realms/Main"},
		"no base URL":                {"", "main", ""},
		"no scheme":                  {"sso.example.com", "main", ""},
		"base URL with a query":      {"https://sso.example.com?x=1", "main", ""},
		"base URL that is an issuer": {"https://sso.example.com/realms/main", "main", ""},
		"no realm":                   {"https://sso.example.com", "", ""},
		"realm with a slash":         {"https://sso.example.com", "a/b", ""},
		"realm upwards":              {"https://sso.example.com", "..", ""},
		"realm with a query":         {"https://sso.example.com", "main?x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := upstream.Keycloak(test.base, test.realm)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

// The fake is laid out like a Keycloak realm.
func TestKeycloakPresetLogsIn(t *testing.T) {
	f := upstreamtest.New(t)
	config, err := upstream.KeycloakConfig(f.BaseURL(), f.Realm(), f.ClientID(), f.ClientSecret(), upstreamtest.CallbackURL)
	if err != nil {
		t.Fatal(err)
	}
	p, err := upstream.NewOIDC(config)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name() != "keycloak" || p.DisplayName() != "Keycloak" {
		t.Errorf("%q, %q", p.Name(), p.DisplayName())
	}
	if got := f.LogIn(t, p, "alice").Identity.Issuer; got != f.Issuer() {
		t.Errorf("issuer %q", got)
	}
	if _, err := upstream.KeycloakConfig(f.BaseURL(), "", f.ClientID(), f.ClientSecret(), upstreamtest.CallbackURL); err == nil {
		t.Error("accepted without a realm")
	}
}
