package config

import (
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/seal"
)

// maxRefreshGrace bounds how long a used refresh token is answered again: whoever stole it is as quick as its owner.
const maxRefreshGrace = 5 * time.Minute

// minAdminToken is the least length of a configured admin token, about 190 bits of base64.
const minAdminToken = 32

// complete fills in what derives from other settings, and reports combinations that are wrong or unsafe.
func (c *Config) complete() Problems {
	if c.BaseURL == "" && IsLoopback(c.HTTPAddr) {
		c.BaseURL = "http://" + c.HTTPAddr
		c.sources["MCP_SERVER_BASE_URL"] = "from the HTTP address"
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	var problems Problems
	report := func(key, message string) { problems = append(problems, Problem{key, message}) }
	if c.CoreAddr == "" { // who serves the core itself connects to none
		c.CoreAddr = c.GRPCAddr
		c.sources["GATEHOUSE_CORE_ADDR"] = "from the gRPC address"
	} else if !c.CoreIsSafe() {
		report("GATEHOUSE_CORE_ADDR", "is off loopback: set GATEHOUSE_GRPC_TLS_CA")
	}
	c.checkBaseURL(report)
	c.checkProvider(report)
	c.checkSecrets(report)
	if !strings.HasPrefix(c.ResourcePath, "/") || strings.HasSuffix(c.ResourcePath, "/") || strings.ContainsAny(c.ResourcePath, "?#{} ") {
		report("GATEHOUSE_RESOURCE_PATH", "must be a path such as /mcp")
	}
	if _, err := oauth.ParseScopes(c.Scopes.String()); err != nil || len(c.Scopes) == 0 {
		report("GATEHOUSE_SCOPES", "must be one or more scopes separated by spaces")
	}
	if !IsLoopback(c.GRPCAddr) && (c.GRPCTLSCert == "" || c.GRPCTLSKey == "") {
		report("GATEHOUSE_GRPC_ADDR", "is off loopback: set GATEHOUSE_GRPC_TLS_CERT and GATEHOUSE_GRPC_TLS_KEY, or listen on 127.0.0.1")
	}
	c.checkStore(report)
	checkTotal(report, "GATEHOUSE_REGISTER_LIMIT", c.RegisterLimit, c.RegisterLimitTotal)
	checkTotal(report, "GATEHOUSE_LOGIN_LIMIT", c.LoginLimit, c.LoginLimitTotal)
	checkTotal(report, "GATEHOUSE_TOKEN_LIMIT", c.TokenLimit, c.TokenLimitTotal)
	if c.RefreshGrace > maxRefreshGrace {
		report("GATEHOUSE_REFRESH_GRACE", "must be at most 5m")
	}
	if c.AccessTokenTTL > c.GrantTTL {
		report("GATEHOUSE_ACCESS_TOKEN_TTL", "must not be longer than GATEHOUSE_GRANT_TTL")
	}
	return problems
}

// CoreIsSafe reports whether the admin token may go to the core at CoreAddr: over loopback, or over TLS that is verified.
func (c *Config) CoreIsSafe() bool { return IsLoopback(c.CoreAddr) || c.GRPCTLSCA != "" }

func (c *Config) checkBaseURL(report func(key, message string)) {
	const key = "MCP_SERVER_BASE_URL"
	u, err := url.Parse(c.BaseURL)
	switch {
	case c.BaseURL == "":
		report(key, "is required when the HTTP address is off loopback, for example https://mcp.example.com")
	case err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		report(key, "must be an origin such as https://mcp.example.com, without a path")
	case u.Scheme == "https", u.Scheme == "http" && isLoopbackHost(u.Hostname()):
	case u.Scheme == "http":
		report(key, "must be https: over http off loopback, anybody on the way reads the tokens")
	default:
		report(key, "must be an https URL")
	}
}

func (c *Config) checkStore(report func(key, message string)) {
	if problem := StoreURLProblem(c.StoreURL); problem != "" {
		report("GATEHOUSE_STORE_URL", problem)
	}
}

// StoreURLProblem tells what is wrong with the URL of a store, or nothing. It never repeats the URL: it may hold a password.
func StoreURLProblem(raw string) string {
	c := Config{StoreURL: raw}
	if _, isPostgres := c.Postgres(); !isPostgres {
		if raw != "" && !strings.HasPrefix(raw, "sqlite:") {
			return "must begin with sqlite: or postgres://"
		}
		return ""
	}
	switch u, err := url.Parse(raw); {
	case err != nil:
		return "is not a URL: a password in it needs percent-encoding"
	case !u.Query().Has("sslmode") && !isLocalDatabase(u):
		return "is off loopback: say sslmode=verify-full; without it the connection may be in the clear"
	}
	return ""
}

// isLocalDatabase reports whether every host of a PostgreSQL URL, which may name several, is this machine. A path is a
// socket.
func isLocalDatabase(u *url.URL) bool {
	hosts := strings.Split(u.Host, ",")
	if u.Host == "" {
		hosts = strings.Split(u.Query().Get("host"), ",")
	}
	for _, host := range hosts {
		if !isLoopbackHost((&url.URL{Host: host}).Hostname()) && !strings.HasPrefix(host, "/") {
			return false
		}
	}
	return true
}

func (c *Config) checkProvider(report func(key, message string)) {
	k := c.Keycloak
	if k.BaseURL == "" && k.ClientID == "" && k.ClientSecret.IsEmpty() {
		return // whether one is needed depends on the command
	}
	switch u, err := url.Parse(k.BaseURL); {
	case k.BaseURL == "":
		report("KEYCLOAK_BASE_URL", "is required, for example https://sso.example.com")
	case err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopbackURL(k.BaseURL)):
		report("KEYCLOAK_BASE_URL", "must be an https URL (http only on loopback)")
	}
	if k.ClientID == "" {
		report("KEYCLOAK_CLIENT_ID", "is required: the client that was made for this server")
	}
	if k.ClientSecret.IsEmpty() {
		report("KEYCLOAK_CLIENT_SECRET", "is required: the secret of that client")
	}
}

func (c *Config) checkSecrets(report func(key, message string)) {
	if !c.SealingKey.IsEmpty() {
		if _, err := seal.ParseKeys([]byte(c.SealingKey.Reveal())); err != nil {
			report("GATEHOUSE_SEALING_KEY", "must be 32 random bytes in base64, or several such keys separated by spaces")
		}
	}
	if n := len(c.AdminToken.Reveal()); n > 0 && n < minAdminToken {
		report("GATEHOUSE_ADMIN_TOKEN", "must have at least 32 characters")
	}
}
