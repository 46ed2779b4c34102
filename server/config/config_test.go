package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keycloak is what a server with Keycloak needs.
var keycloak = []string{
	"KEYCLOAK_BASE_URL=https://sso.example.com",
	"KEYCLOAK_REALM=staff",
	"KEYCLOAK_CLIENT_ID=gatehouse",
	"KEYCLOAK_CLIENT_SECRET=canary-secret",
	"MCP_SERVER_BASE_URL=https://mcp.example.com/",
}

func TestTheFiveVariablesAreEnough(t *testing.T) {
	c, err := Load(Sources{Environ: keycloak})
	if err != nil {
		t.Fatal(err)
	}
	if c.BaseURL != "https://mcp.example.com" || c.Resource() != "https://mcp.example.com/mcp" ||
		c.CallbackURL() != "https://mcp.example.com/auth/callback" || !c.Secure() || !c.HasProvider() {
		t.Errorf("config = %+v", c.Effective())
	}
	if c.AccessTokenTTL != time.Hour || c.CodeTTL != time.Minute || c.SigningAlg != "ES256" {
		t.Errorf("defaults = %v", c.Effective())
	}
}

func TestNothingIsNeededOnLoopback(t *testing.T) {
	c, err := Load(Sources{Environ: []string{"GATEHOUSE_HTTP_ADDR=127.0.0.1:8123"}})
	if err != nil || c.BaseURL != "http://127.0.0.1:8123" {
		t.Errorf("base URL = %q, %v", c.BaseURL, err)
	}
}

func TestStrongerSourcesWin(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("gatehouse.yaml", "server_name: from file\nscopes: [a, b]\nhttp_addr: 127.0.0.1:1\n")
	dotEnv := write(".env", "# comment\nexport GATEHOUSE_SERVER_NAME=\"from dotenv\"\nGATEHOUSE_HTTP_ADDR=127.0.0.1:2\n")
	sources := Sources{
		File: file, DotEnv: dotEnv,
		Environ: []string{"GATEHOUSE_HTTP_ADDR=127.0.0.1:3", "PATH=/bin"},
		Flags:   map[string]string{"http-addr": "127.0.0.1:4"},
		Presets: map[string]string{"GATEHOUSE_SERVER_NAME": "preset", "GATEHOUSE_LOG_FORMAT": "text"},
	}
	c, err := Load(sources)
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPAddr != "127.0.0.1:4" || c.ServerName != "from dotenv" || c.Scopes.String() != "a b" || c.LogFormat != "text" {
		t.Errorf("config = %v", c.Effective())
	}
}

func TestSecretsMayBeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("a-token-of-at-least-thirty-two-characters\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Sources{Environ: []string{"GATEHOUSE_ADMIN_TOKEN_FILE=" + path}})
	if err != nil || c.AdminToken.Reveal() != "a-token-of-at-least-thirty-two-characters" {
		t.Errorf("err = %v", err)
	}
	if _, err := Load(Sources{Environ: []string{"GATEHOUSE_ADMIN_TOKEN_FILE=" + path + "x"}}); err == nil {
		t.Error("a missing file was ignored")
	}
}

func TestEffectiveSettingsHoldNoSecret(t *testing.T) {
	c, err := Load(Sources{Environ: keycloak})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Join(c.Effective(), "\n")
	if strings.Contains(lines, "canary") || !strings.Contains(lines, "KEYCLOAK_CLIENT_SECRET=(set, not shown)  # environment") {
		t.Errorf("lines = %s", lines)
	}
}

func TestDatabasesThatAreNearOrSayHowTheyAreReachedAreAccepted(t *testing.T) {
	for _, store := range []string{
		"sqlite:/tmp/x.db", "postgres://127.0.0.1:5432/x", "postgresql://[::1]/x", "postgres://localhost:1,127.0.0.1:2/x",
		"postgres:///x?host=/run/postgresql", "postgres://u:p@db.example.com/x?sslmode=verify-full",
	} {
		if _, err := Load(Sources{Environ: []string{"GATEHOUSE_STORE_URL=" + store}}); err != nil {
			t.Errorf("%s: %v", store, err)
		}
	}
}

func TestLimitsAndProxiesAreRead(t *testing.T) {
	c, err := Load(Sources{Environ: []string{
		"GATEHOUSE_LOGIN_LIMIT=0", "GATEHOUSE_TOKEN_LIMIT=10/1s", "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1 10.1.2.3/8 fd00::/8",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if c.LoginLimit != (Rate{}) || c.TokenLimit != (Rate{10, time.Second}) || c.RegisterLimit != (Rate{600, 10 * time.Minute}) {
		t.Errorf("limits = %v %v %v", c.LoginLimit, c.TokenLimit, c.RegisterLimit)
	}
	if got := fmt.Sprint(c.TrustedProxies); got != "[127.0.0.1/32 10.0.0.0/8 fd00::/8]" {
		t.Errorf("proxies = %s", got)
	}
}

func TestUnsafeOrWrongSettingsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		environ string
		key     string
	}{
		"http off loopback":         {"MCP_SERVER_BASE_URL=http://mcp.example.com", "MCP_SERVER_BASE_URL"},
		"http to a private address": {"MCP_SERVER_BASE_URL=http://10.0.0.1", "MCP_SERVER_BASE_URL"},
		"base URL with a path":      {"MCP_SERVER_BASE_URL=https://mcp.example.com/x", "MCP_SERVER_BASE_URL"},
		"base URL with a user":      {"MCP_SERVER_BASE_URL=https://a:b@mcp.example.com", "MCP_SERVER_BASE_URL"},
		"another scheme":            {"MCP_SERVER_BASE_URL=ftp://mcp.example.com", "MCP_SERVER_BASE_URL"},
		"no base URL off loopback":  {"GATEHOUSE_HTTP_ADDR=:8000", "MCP_SERVER_BASE_URL"},
		"gRPC off loopback":         {"GATEHOUSE_GRPC_ADDR=0.0.0.0:9090", "GATEHOUSE_GRPC_ADDR"},
		"gRPC on every address":     {"GATEHOUSE_GRPC_ADDR=:9090", "GATEHOUSE_GRPC_ADDR"},
		"core off loopback":         {"GATEHOUSE_CORE_ADDR=core:9090", "GATEHOUSE_CORE_ADDR"},
		"provider over http":        {"KEYCLOAK_BASE_URL=http://sso.example.com", "KEYCLOAK_BASE_URL"},
		"half a provider":           {"KEYCLOAK_CLIENT_ID=x", "KEYCLOAK_CLIENT_SECRET"},
		"short admin token":         {"GATEHOUSE_ADMIN_TOKEN=short", "GATEHOUSE_ADMIN_TOKEN"},
		"bad sealing key":           {"GATEHOUSE_SEALING_KEY=AAAA", "GATEHOUSE_SEALING_KEY"},
		"no duration":               {"GATEHOUSE_ACCESS_TOKEN_TTL=3600", "GATEHOUSE_ACCESS_TOKEN_TTL"},
		"negative duration":         {"GATEHOUSE_CODE_TTL=-1s", "GATEHOUSE_CODE_TTL"},
		"token outlives its grant":  {"GATEHOUSE_ACCESS_TOKEN_TTL=9000h", "GATEHOUSE_ACCESS_TOKEN_TTL"},
		"unknown algorithm":         {"GATEHOUSE_SIGNING_ALG=none", "GATEHOUSE_SIGNING_ALG"},
		"odd resource path":         {"GATEHOUSE_RESOURCE_PATH=mcp", "GATEHOUSE_RESOURCE_PATH"},
		"odd scope":                 {`GATEHOUSE_SCOPES=a"b`, "GATEHOUSE_SCOPES"},
		"zero bound":                {"GATEHOUSE_MAX_TRANSACTIONS=0", "GATEHOUSE_MAX_TRANSACTIONS"},
		"unknown store":             {"GATEHOUSE_STORE_URL=mysql://localhost/x", "GATEHOUSE_STORE_URL"},
		"database off loopback":     {"GATEHOUSE_STORE_URL=postgres://db.example.com/x", "GATEHOUSE_STORE_URL"},
		"one database off loopback": {"GATEHOUSE_STORE_URL=postgres://localhost:1,db:2/x", "GATEHOUSE_STORE_URL"},
		"store without a host":      {"GATEHOUSE_STORE_URL=postgres:///x", "GATEHOUSE_STORE_URL"},
		"limit without a period":    {"GATEHOUSE_LOGIN_LIMIT=600", "GATEHOUSE_LOGIN_LIMIT"},
		"limit of nothing":          {"GATEHOUSE_LOGIN_LIMIT=0/1m", "GATEHOUSE_LOGIN_LIMIT"},
		"one uses up the total":     {"GATEHOUSE_TOKEN_LIMIT=3000/1s", "GATEHOUSE_TOKEN_LIMIT_TOTAL"},
		"proxy by name":             {"GATEHOUSE_TRUSTED_PROXIES=proxy", "GATEHOUSE_TRUSTED_PROXIES"},
		"everybody is a proxy":      {"GATEHOUSE_TRUSTED_PROXIES=10.0.0.0/8 0.0.0.0/0", "GATEHOUSE_TRUSTED_PROXIES"},
		"misspelt":                  {"GATEHOUSE_HTTP_ADR=127.0.0.1:1", "GATEHOUSE_HTTP_ADR"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(Sources{Environ: []string{test.environ}})
			problems, ok := errors.AsType[Problems](err)
			if !ok {
				t.Fatalf("err = %v", err)
			}
			for _, problem := range problems {
				if problem.Key == test.key {
					return
				}
			}
			t.Errorf("problems = %v, want one of %s", problems, test.key)
		})
	}
}

// TestWhoServesTheCoreNeedsNoWayToIt: the certificates of a core are for those who connect to it.
func TestWhoServesTheCoreNeedsNoWayToIt(t *testing.T) {
	environ := []string{"GATEHOUSE_GRPC_ADDR=0.0.0.0:9090", "GATEHOUSE_GRPC_TLS_CERT=cert.pem", "GATEHOUSE_GRPC_TLS_KEY=key.pem"}
	cfg, err := Load(Sources{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.CoreIsSafe() {
		t.Error("the admin token would go to it in the clear")
	}
	cfg, err = Load(Sources{Environ: append(environ, "GATEHOUSE_GRPC_TLS_CA=ca.pem")})
	if err != nil || !cfg.CoreIsSafe() {
		t.Errorf("with certificates: %v", err)
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	_, err := Load(Sources{Environ: []string{"GATEHOUSE_CODE_TTL=x", "GATEHOUSE_LOG_LEVEL=loud", "GATEHOUSE_TYPO=1", "MCP_SERVER_BASE_URL=http://a.example"}})
	problems, _ := errors.AsType[Problems](err)
	if len(problems) != 4 {
		t.Errorf("problems = %v", problems)
	}
}

func TestUnknownKeysInTheFileAreErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("http_adr: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Sources{File: path}); err == nil || !strings.Contains(err.Error(), "http_adr") {
		t.Errorf("err = %v", err)
	}
}
