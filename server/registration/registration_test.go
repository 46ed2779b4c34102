package registration_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// recorder keeps what a Registrar stores.
type recorder struct {
	storage.Clients
	stored []storage.Client
	fail   error
}

func (r *recorder) CreateClient(_ context.Context, client storage.Client, _ int) error {
	if r.fail == nil {
		r.stored = append(r.stored, client)
	}
	return r.fail
}

func newRegistrar(t *testing.T, store storage.Clients) *registration.Registrar {
	t.Helper()
	registrar, err := registration.New(
		registration.Deps{Store: store, Random: secret.NewSource(nil), Now: func() time.Time { return time.Unix(1_800_000_000, 0) }},
		registration.Policy{Scopes: oauth.Scopes{"read", "write"}, Schemes: oauth.DefaultPrivateUseSchemes(), MaxUnused: 10})
	if err != nil {
		t.Fatal(err)
	}
	return registrar
}

// good is metadata that can be registered.
func good() registration.Metadata {
	return registration.Metadata{RedirectURIs: []string{"https://app.example/cb"}}
}

func TestDefaults(t *testing.T) {
	store := new(recorder)
	registered, err := newRegistrar(t, store).Register(t.Context(), good(), storage.OriginDynamic)
	if err != nil {
		t.Fatal(err)
	}
	client := registered.Client
	if client.AuthMethod != registration.MethodBasic || registered.Secret.IsEmpty() {
		t.Errorf("method = %s: RFC 7591 section 2 says client_secret_basic", client.AuthMethod)
	}
	if !slices.Equal(client.GrantTypes, []string{"authorization_code", "refresh_token"}) ||
		!slices.Equal(client.Scopes, []string{"read", "write"}) || client.ApplicationType != "web" {
		t.Errorf("client = %+v", client)
	}
	if stored := store.stored[0]; stored.SecretHash == nil || *stored.SecretHash != registered.Secret.Hash() {
		t.Error("the secret is not stored as its hash")
	}
}

func TestMetadataOfRealClients(t *testing.T) {
	for name, metadata := range map[string]registration.Metadata{
		"Cursor": {
			RedirectURIs:    []string{"cursor://anysphere.cursor-mcp/oauth/callback", "http://localhost:8080/callback", "https://www.cursor.com/cb"},
			ApplicationType: "web", AuthMethod: "none",
		},
		"VS Code": {
			RedirectURIs: []string{"http://127.0.0.1:33418/", "https://vscode.dev/redirect", "http://127.0.0.1/"}, AuthMethod: "none",
			GrantTypes:    []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"},
			ResponseTypes: []string{"code"},
		},
		"public demo": {
			RedirectURIs: []string{"http://localhost:9000/oauth/callback"}, ApplicationType: "native",
			ClientURI: "http://localhost:9000", AuthMethod: "none",
		},
		"Claude": {RedirectURIs: []string{"https://claude.ai/api/mcp/auth_callback"}, AuthMethod: "client_secret_post", Scope: "read offline_access"},
	} {
		if _, err := newRegistrar(t, new(recorder)).Register(t.Context(), metadata, storage.OriginDynamic); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusedMetadataStoresNothing(t *testing.T) {
	long := strings.Repeat("x", 300)
	for name, test := range map[string]struct {
		change func(*registration.Metadata)
		want   oauth.Code
	}{
		"no redirect":       {func(m *registration.Metadata) { m.RedirectURIs = nil }, oauth.InvalidRedirectURI},
		"script":            {func(m *registration.Metadata) { m.RedirectURIs = []string{"javascript:alert(1)"} }, oauth.InvalidRedirectURI},
		"one bad of two":    {func(m *registration.Metadata) { m.RedirectURIs = append(m.RedirectURIs, "http://app.example/") }, oauth.InvalidRedirectURI},
		"unknown method":    {func(m *registration.Metadata) { m.AuthMethod = "tls_client_auth" }, oauth.InvalidClientMetadata},
		"no code grant":     {func(m *registration.Metadata) { m.GrantTypes = []string{"password"} }, oauth.InvalidClientMetadata},
		"implicit only":     {func(m *registration.Metadata) { m.ResponseTypes = []string{"token"} }, oauth.InvalidClientMetadata},
		"unknown type":      {func(m *registration.Metadata) { m.ApplicationType = "desktop" }, oauth.InvalidClientMetadata},
		"long name":         {func(m *registration.Metadata) { m.Name = long }, oauth.InvalidClientMetadata},
		"script client_uri": {func(m *registration.Metadata) { m.ClientURI = "javascript:alert(1)" }, oauth.InvalidClientMetadata},
		"data logo_uri":     {func(m *registration.Metadata) { m.LogoURI = "data:image/svg+xml,x" }, oauth.InvalidClientMetadata},
		"http policy_uri":   {func(m *registration.Metadata) { m.PolicyURI = "http://app.example/" }, oauth.InvalidClientMetadata},
		"malformed scope":   {func(m *registration.Metadata) { m.Scope = `a"b` }, oauth.InvalidClientMetadata},
		"long software id":  {func(m *registration.Metadata) { m.SoftwareID = long }, oauth.InvalidClientMetadata},
		"long version":      {func(m *registration.Metadata) { m.SoftwareVersion = long }, oauth.InvalidClientMetadata},
		"long contact":      {func(m *registration.Metadata) { m.Contacts = []string{long} }, oauth.InvalidClientMetadata},
		"NUL in software":   {func(m *registration.Metadata) { m.SoftwareID = "a\x00" }, oauth.InvalidClientMetadata},
		"NUL in version":    {func(m *registration.Metadata) { m.SoftwareVersion = "\x00" }, oauth.InvalidClientMetadata},
		"many contacts":     {func(m *registration.Metadata) { m.Contacts = make([]string, 11) }, oauth.InvalidClientMetadata},
	} {
		store, metadata := new(recorder), good()
		test.change(&metadata)
		_, err := newRegistrar(t, store).Register(t.Context(), metadata, storage.OriginDynamic)
		if oauth.CodeOf(err) != test.want || len(store.stored) > 0 {
			t.Errorf("%s: %v, %d stored", name, err, len(store.stored))
		}
	}
}

func TestOutageAndLimitAreNotTheClientsFault(t *testing.T) {
	for fail, want := range map[error]oauth.Code{
		storage.ErrLimit:       oauth.TooManyRequests,
		storage.ErrUnavailable: oauth.TemporarilyUnavailable,
	} {
		_, err := newRegistrar(t, &recorder{fail: fail}).Register(t.Context(), good(), storage.OriginDynamic)
		if oauth.CodeOf(err) != want {
			t.Errorf("%v: %v", fail, err)
		}
	}
}

func TestIdsAreNeverShared(t *testing.T) {
	registrar := newRegistrar(t, new(recorder))
	seen := make(map[string]bool)
	for range 100 {
		registered, err := registrar.Register(t.Context(), good(), storage.OriginDynamic)
		if err != nil || seen[registered.Client.ID] || seen[registered.Secret.Reveal()] {
			t.Fatalf("same metadata, same identity: %v", err)
		}
		seen[registered.Client.ID], seen[registered.Secret.Reveal()] = true, true
	}
}
