package config

import (
	"net/netip"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Setting is one row of the table.
type Setting struct {
	// Env is the environment variable. The flag and the key in the file derive from it.
	Env string
	// Default is the value when nothing else is given, in the form of the environment variable.
	Default string
	// Doc says what it is, in one sentence or two.
	Doc string
	// Secret settings are never printed, and can be given as a file: Env with _FILE appended.
	Secret bool
	// Group is the heading in the documentation.
	Group string

	set func(c *Config, value string) error
	get func(c *Config) string
}

// envPrefix is left out of flags and keys.
const envPrefix = "GATEHOUSE_"

// Key is the name in the configuration file.
func (s Setting) Key() string { return strings.ToLower(strings.TrimPrefix(s.Env, envPrefix)) }

// Flag is the name on the command line.
func (s Setting) Flag() string { return strings.ReplaceAll(s.Key(), "_", "-") }

// Table returns every setting, in the order of the documentation.
func Table() []Setting {
	return append(append(append(addresses(), provider()...), lifetimes()...), bounds()...)
}

func addresses() []Setting {
	const group = "Addresses and storage"
	return []Setting{
		text("MCP_SERVER_BASE_URL", "", group, "Public origin of this server, for example https://mcp.example.com: the issuer, and the start of every URL that it hands out. https, except on loopback. Without it: http:// and the HTTP address, when that is loopback.",
			func(c *Config) *string { return &c.BaseURL }),
		text("GATEHOUSE_RESOURCE_PATH", "/mcp", group, "Path of the MCP endpoint. Base URL and path together are the audience of tokens.",
			func(c *Config) *string { return &c.ResourcePath }),
		text("GATEHOUSE_SERVER_NAME", "Gatehouse", group, "Name that pages and MCP clients show.",
			func(c *Config) *string { return &c.ServerName }),
		text("GATEHOUSE_HTTP_ADDR", "127.0.0.1:8000", group, "Address of the HTTP edge.",
			func(c *Config) *string { return &c.HTTPAddr }),
		text("GATEHOUSE_GRPC_ADDR", "127.0.0.1:9090", group, "Address of the gRPC core. Off loopback it needs TLS, and every RPC needs the admin token.",
			func(c *Config) *string { return &c.GRPCAddr }),
		text("GATEHOUSE_CORE_ADDR", "", group, "Address at which serve edge and the commands for operators find the core. Without it: the gRPC address. Over TLS its host has to be in the certificate, which 0.0.0.0 is not.",
			func(c *Config) *string { return &c.CoreAddr }),
		text("GATEHOUSE_GRPC_TLS_CERT", "", group, "Certificate of the gRPC listener, a PEM file.",
			func(c *Config) *string { return &c.GRPCTLSCert }),
		text("GATEHOUSE_GRPC_TLS_KEY", "", group, "Private key of the gRPC listener, a PEM file.",
			func(c *Config) *string { return &c.GRPCTLSKey }),
		text("GATEHOUSE_GRPC_TLS_CA", "", group, "Certificates by which serve edge and the commands for operators know the core, a PEM file. Required for them when the core is off loopback.",
			func(c *Config) *string { return &c.GRPCTLSCA }),
		list("GATEHOUSE_ALLOWED_HOSTS", "", group, "Further values of the Host header that are answered, separated by spaces. The host of the base URL always is.",
			func(c *Config) *[]string { return &c.AllowedHosts }),
		list("GATEHOUSE_ALLOWED_ORIGINS", "", group, "Further web origins that may call the MCP endpoint from a browser, separated by spaces.",
			func(c *Config) *[]string { return &c.AllowedOrigins }),
		text("GATEHOUSE_DATA_DIR", "./gatehouse-data", group, "Directory of the database, the sealing key and the admin token. Made with mode 0700.",
			func(c *Config) *string { return &c.DataDir }),
		location("GATEHOUSE_STORE_URL", "", group, "Where the store is: sqlite:PATH or postgres://... Without it: gatehouse.db in the data directory. The effective settings show it without the password.",
			func(c *Config) *string { return &c.StoreURL }),
		hidden("GATEHOUSE_SEALING_KEY", group, "Key that seals provider tokens and signing keys at rest: 32 random bytes in base64. Several, separated by white space, while one replaces another: the first seals. Without it: sealing.key in the data directory, made on the first start.",
			func(c *Config) *secret.Text { return &c.SealingKey }),
		hidden("GATEHOUSE_ADMIN_TOKEN", group, "Token for administration and for serve edge, at least 32 characters. Without it: admin.token in the data directory, made on the first start.",
			func(c *Config) *secret.Text { return &c.AdminToken }),
	}
}

func provider() []Setting {
	const group = "Identity provider"
	return []Setting{
		text("KEYCLOAK_BASE_URL", "", group, "Base URL of Keycloak, for example https://sso.example.com.",
			func(c *Config) *string { return &c.Keycloak.BaseURL }),
		text("KEYCLOAK_REALM", "master", group, "Realm whose users log in.",
			func(c *Config) *string { return &c.Keycloak.Realm }),
		text("KEYCLOAK_CLIENT_ID", "", group, "Confidential client that was made for this server. Its valid redirect URI is the base URL with /auth/callback.",
			func(c *Config) *string { return &c.Keycloak.ClientID }),
		hidden("KEYCLOAK_CLIENT_SECRET", group, "Secret of that client. Changing it logs nobody out.",
			func(c *Config) *secret.Text { return &c.Keycloak.ClientSecret }),
		choice("GATEHOUSE_UPSTREAM_AUTH_STYLE", []string{"basic", "post"}, group, "How this server authenticates at the provider's token endpoint: client_secret_basic or client_secret_post.",
			func(c *Config) *string { return &c.AuthStyle }),
		list("GATEHOUSE_UPSTREAM_SCOPES", "openid profile email", group, "Scopes asked for at the provider.",
			func(c *Config) *[]string { return &c.LoginScopes }),
		text("GATEHOUSE_UPSTREAM_NAME", "Keycloak", group, "Name of the provider on the consent page.",
			func(c *Config) *string { return &c.ProviderName }),
		text("GATEHOUSE_DEV_IDP_ADDR", "127.0.0.1:8001", group, "Address of the built-in identity provider of gatehouse dev and gatehouse tour. Loopback only.",
			func(c *Config) *string { return &c.DevIDPAddr }),
	}
}

func lifetimes() []Setting {
	const group = "Tokens and lifetimes"
	return []Setting{
		list("GATEHOUSE_SCOPES", defaultScope, group, "Scopes of the MCP endpoint, separated by spaces. A client that asks for none gets all; the endpoint needs the first.",
			func(c *Config) *[]string { return (*[]string)(&c.Scopes) }),
		choice("GATEHOUSE_SIGNING_ALG", signingAlgorithms(), group, "Signature algorithm of access tokens. HS256 has no public key: only this server can verify.",
			func(c *Config) *string { return &c.SigningAlg }),
		duration("GATEHOUSE_TRANSACTION_TTL", "10m", group, "Time for consent and login together.",
			func(c *Config) *time.Duration { return &c.TransactionTTL }),
		duration("GATEHOUSE_CODE_TTL", "60s", group, "Life of an authorization code.",
			func(c *Config) *time.Duration { return &c.CodeTTL }),
		duration("GATEHOUSE_ACCESS_TOKEN_TTL", "1h", group, "Life of an access token.",
			func(c *Config) *time.Duration { return &c.AccessTokenTTL }),
		duration("GATEHOUSE_REFRESH_IDLE_TTL", "720h", group, "Life of a refresh token that is not used.",
			func(c *Config) *time.Duration { return &c.RefreshIdleTTL }),
		atLeast(0, "GATEHOUSE_REFRESH_GRACE", "60s", group, "How long after its first use a refresh token is answered again with the same successor, for clients whose answer was lost. 0s to 5m; 0s is never.",
			func(c *Config) *time.Duration { return &c.RefreshGrace }),
		duration("GATEHOUSE_GRANT_TTL", "2160h", group, "Longest life of a grant, however often it is refreshed.",
			func(c *Config) *time.Duration { return &c.GrantTTL }),
		duration("GATEHOUSE_RECHECK_INTERVAL", "60s", group, "While a token is used, how often its grant and the provider's token behind it are checked again.",
			func(c *Config) *time.Duration { return &c.RecheckInterval }),
		duration("GATEHOUSE_UPSTREAM_MAX_STALENESS", "10m", group, "How much longer the provider's last word stands while it cannot be reached. After that requests get 503 until it answers; nobody is logged out.",
			func(c *Config) *time.Duration { return &c.MaxStaleness }),
		duration("GATEHOUSE_KEY_ROTATION", "720h", group, "How long a signing key signs before the next one takes its place, without a restart.",
			func(c *Config) *time.Duration { return &c.KeyRotation }),
		duration("GATEHOUSE_ACCOUNT_TTL", "30m", group, "Life of a sign-in to the account page.",
			func(c *Config) *time.Duration { return &c.AccountTTL }),
	}
}

func bounds() []Setting {
	const group = "Bounds and logs"
	return []Setting{
		list("GATEHOUSE_REDIRECT_SCHEMES", strings.Join(defaultSchemes(), " "), group, "Private-use URI schemes without a dot that clients may register. Schemes with a dot always may.",
			func(c *Config) *[]string { return (*[]string)(&c.RedirectSchemes) }),
		number("GATEHOUSE_MAX_UNUSED_CLIENTS", "10000", group, "Most registered clients that never logged in. One more takes the place of the oldest; clients in use, or in the middle of a login that somebody approved, are never evicted.",
			func(c *Config) *int { return &c.MaxUnusedClients }),
		number("GATEHOUSE_MAX_TRANSACTIONS", "10000", group, "Most logins that wait for consent. As many again may be at the provider, and as many again on their way to the account page. One more takes the place of the oldest of its kind.",
			func(c *Config) *int { return &c.MaxTransactions }),
		networks("GATEHOUSE_TRUSTED_PROXIES", group, "Networks of the reverse proxies in front of this server, such as 127.0.0.1 or 10.0.0.0/8, separated by spaces. Their X-Forwarded-For tells the address of a client, by which the limits below tell clients apart. Others are not believed.",
			func(c *Config) *[]netip.Prefix { return &c.TrustedProxies }),
		rate("GATEHOUSE_REGISTER_LIMIT", "600/10m", group, "Registrations of clients by one address (IPv6: one /64): so many at once, and as many again in each period. 0 is no limit.",
			func(c *Config) *Rate { return &c.RegisterLimit }),
		rate("GATEHOUSE_REGISTER_LIMIT_TOTAL", "1500/2m", group, "The same for all addresses together. At least twice GATEHOUSE_REGISTER_LIMIT.",
			func(c *Config) *Rate { return &c.RegisterLimitTotal }),
		rate("GATEHOUSE_LOGIN_LIMIT", "600/10m", group, "Logins that one address begins, for a client or for the account page. 0 is no limit.",
			func(c *Config) *Rate { return &c.LoginLimit }),
		rate("GATEHOUSE_LOGIN_LIMIT_TOTAL", "1500/2m", group, "The same for all addresses together. At least twice GATEHOUSE_LOGIN_LIMIT.",
			func(c *Config) *Rate { return &c.LoginLimitTotal }),
		rate("GATEHOUSE_TOKEN_LIMIT", "3000/10s", group, "Requests of one address to /token, /revoke and /introspect. 0 is no limit.",
			func(c *Config) *Rate { return &c.TokenLimit }),
		rate("GATEHOUSE_TOKEN_LIMIT_TOTAL", "30000/10s", group, "The same for all addresses together. At least twice GATEHOUSE_TOKEN_LIMIT.",
			func(c *Config) *Rate { return &c.TokenLimitTotal }),
		number("GATEHOUSE_VERIFY_CACHE_SIZE", "100000", group, "Most verified tokens that are remembered.",
			func(c *Config) *int { return &c.VerifyCacheSize }),
		choice("GATEHOUSE_LOG_LEVEL", []string{"info", "debug", "warn", "error"}, group, "Least level that is logged.",
			func(c *Config) *string { return &c.LogLevel }),
		choice("GATEHOUSE_LOG_FORMAT", []string{"auto", "json", "text"}, group, "Form of log lines on standard error. auto: text on a terminal, otherwise json.",
			func(c *Config) *string { return &c.LogFormat }),
	}
}
