// Package config is every setting of a server: one table gives the environment variable, the flag, the key in the
// file, the default and the documentation of each.
package config

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Config is the effective settings. Load makes one; it is not changed afterwards.
type Config struct {
	// BaseURL is the public origin: the issuer, and the start of every URL that the server hands out.
	BaseURL string
	// ResourcePath is where the MCP endpoint stands under BaseURL.
	ResourcePath string
	ServerName   string
	Scopes       oauth.Scopes

	HTTPAddr       string
	GRPCAddr       string
	CoreAddr       string
	GRPCTLSCert    string
	GRPCTLSKey     string
	GRPCTLSCA      string
	AllowedHosts   []string
	AllowedOrigins []string

	DataDir    string
	StoreURL   string
	SealingKey secret.Text
	AdminToken secret.Text

	Keycloak     Keycloak
	AuthStyle    string
	LoginScopes  []string
	ProviderName string
	DevIDPAddr   string

	TransactionTTL  time.Duration
	CodeTTL         time.Duration
	AccessTokenTTL  time.Duration
	RefreshIdleTTL  time.Duration
	RefreshGrace    time.Duration
	GrantTTL        time.Duration
	RecheckInterval time.Duration
	MaxStaleness    time.Duration
	KeyRotation     time.Duration
	AccountTTL      time.Duration
	SigningAlg      string

	RedirectSchemes  oauth.PrivateUseSchemes
	MaxUnusedClients int
	MaxTransactions  int
	VerifyCacheSize  int

	TrustedProxies     []netip.Prefix
	RegisterLimit      Rate
	RegisterLimitTotal Rate
	LoginLimit         Rate
	LoginLimitTotal    Rate
	TokenLimit         Rate
	TokenLimitTotal    Rate

	LogLevel  string
	LogFormat string

	sources map[string]string
}

// defaultScope is the scope of a server that configures none.
const defaultScope = "mcp"

// Keycloak is the realm behind the server, and the client that it has there.
type Keycloak struct {
	BaseURL      string
	Realm        string
	ClientID     string
	ClientSecret secret.Text
}

// Resource is the URL of the MCP endpoint, the audience of its tokens.
func (c *Config) Resource() string { return c.BaseURL + c.ResourcePath }

// Resources are what tokens may be for.
func (c *Config) Resources() oauth.Resources {
	return oauth.Resources{{
		URI:          c.Resource(),
		Name:         c.ServerName,
		Scopes:       c.Scopes,
		Descriptions: map[string]string{defaultScope: "Use this server's tools, resources and prompts in your name."},
	}}
}

// CallbackURL is where the provider sends the browser.
func (c *Config) CallbackURL() string { return c.BaseURL + "/auth/callback" }

// SQLitePath is the file of the store, when the store is a file.
func (c *Config) SQLitePath() string {
	if path, ok := strings.CutPrefix(c.StoreURL, "sqlite:"); ok {
		return path
	}
	return filepath.Join(c.DataDir, "gatehouse.db")
}

// Postgres is the URL of the store, when the store is a PostgreSQL database. It may hold a password.
func (c *Config) Postgres() (string, bool) {
	ok := strings.HasPrefix(c.StoreURL, "postgres://") || strings.HasPrefix(c.StoreURL, "postgresql://")
	return c.StoreURL, ok
}

// Secure reports whether browsers reach the server by https.
func (c *Config) Secure() bool { return strings.HasPrefix(c.BaseURL, "https://") }

// HasProvider reports whether an identity provider is configured.
func (c *Config) HasProvider() bool { return c.Keycloak.BaseURL != "" }

// IsLoopback reports whether an address to listen on is reachable only from this machine.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// isLoopbackURL reports whether a URL leads to this machine.
func isLoopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && isLoopbackHost(u.Hostname())
}
