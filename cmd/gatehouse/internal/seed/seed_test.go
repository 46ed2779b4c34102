package seed

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
)

var now = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// fill seeds a file, and returns how to open what was sealed.
func fill(t *testing.T, path string, p Population, force bool) (credential.Vault, error) {
	t.Helper()
	sealer, err := seal.New(seal.NewKey([seal.KeySize]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	vault := credential.NewVault(sealer)
	store, err := sqlite.OpenForImport(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	return vault, Fill(t.Context(), Deps{
		Store: store, Vault: vault, Random: secret.NewSource(nil), Now: now,
		Resource: "https://mcp.example.com/mcp", Scopes: []string{"mcp"},
		Lifetimes: Lifetimes{Grant: 90 * 24 * time.Hour, RefreshIdle: 30 * 24 * time.Hour},
	}, p, force)
}

// open opens what was filled, to look at it. Nobody can fill it again before close.
func open(t *testing.T, path string) (store storage.Store, closeStore func()) {
	t.Helper()
	opened, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return opened, func() { _ = opened.Close() }
}

// live returns the grants that a server would honour.
func live(t *testing.T, store storage.Store) []storage.GrantDetail {
	t.Helper()
	details, err := store.ListGrants(t.Context(), storage.GrantFilter{Now: now}, storage.Page{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return details
}

func TestSeededGrantsAreLiveAndWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	vault, err := fill(t, path, Population{Grants: 2500, Users: 1200, Clients: 7}, false)
	if err != nil {
		t.Fatal(err)
	}
	store, closeStore := open(t, path)
	defer closeStore()
	grants := live(t, store)
	if len(grants) != 2500 {
		t.Errorf("%d grants are live, want 2500", len(grants))
	}
	users, clients := make(map[string]bool), make(map[string]bool)
	for _, g := range grants {
		users[g.User.ID], clients[g.Grant.ClientID] = true, true
		head := g.Grant.Refresh
		if head == nil || !head.ExpireTime.After(now) || head.RotateTime.IsZero() != (head.Generation == 1) {
			t.Fatalf("the head of the line is %+v", head)
		}
		credential, err := store.Credential(t.Context(), g.Grant.CredentialID)
		if err != nil {
			t.Fatal(err)
		}
		if tokens, err := vault.Open(credential); err != nil || tokens.RefreshToken.IsEmpty() {
			t.Fatalf("the credential of %s: %v", g.Grant.ID, err)
		}
		if g.ClientName == "" || g.User.Email == "" || credential.UserID != g.User.ID ||
			g.Grant.CreateTime.After(g.Grant.LastUsedTime) || g.Grant.LastUsedTime.After(now) {
			t.Fatalf("not plausible: %+v", g)
		}
	}
	if len(users) != 1200 || len(clients) != 7 {
		t.Errorf("%d users and %d clients have grants", len(users), len(clients))
	}
}

func TestStoreWithGrantsIsSeededOnlyByForce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	one := Population{Grants: 1, Users: 1, Clients: 1}
	for _, c := range []struct {
		force bool
		want  error
		count int
	}{{false, nil, 1}, {false, ErrHasGrants, 1}, {true, nil, 2}} {
		if _, err := fill(t, path, one, c.force); !errors.Is(err, c.want) {
			t.Errorf("with force %v: %v, want %v", c.force, err, c.want)
		}
		store, closeStore := open(t, path)
		if count := len(live(t, store)); count != c.count {
			t.Errorf("%d grants, want %d", count, c.count)
		}
		closeStore()
	}
}
