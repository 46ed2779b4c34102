package proof_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
)

const (
	histories = 120 // of each kind on each backend
	clientID  = "client"
)

// start is when every history begins, by the clocks of its clients.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// after is a time of a history.
func after(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// Concurrent callers see what they would see one after the other, in some order that agrees with when they asked: codes,
// lines of refresh tokens and leases are linearizable (Herlihy and Wing, 1990).
func TestStoresAreLinearizable(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *stage{
		"SQLite": openSQLite, "SQLite opened twice": openSQLiteTwice, "PostgreSQL through two pools": openPostgres,
	} {
		t.Run(name, func(t *testing.T) {
			stage := open(t)
			t.Run("codes", func(t *testing.T) { linearizable(t, stage, histories, stage.codes(t)) })
			t.Run("lines of refresh tokens", func(t *testing.T) { linearizable(t, stage, histories, stage.lines(t)) })
			t.Run("leases", func(t *testing.T) { linearizable(t, stage, histories, stage.leases(t)) })
		})
	}
}

func openSQLite(t *testing.T) *stage {
	t.Helper()
	return &stage{stores: []storage.Store{sqliteAt(t, databasePath(t))}}
}

func openSQLiteTwice(t *testing.T) *stage {
	t.Helper()
	path := databasePath(t)
	return &stage{stores: []storage.Store{sqliteAt(t, path), sqliteAt(t, path)}}
}

func sqliteAt(t *testing.T, path string) storage.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, store)
}

func openPostgres(t *testing.T) *stage {
	t.Helper()
	url := postgrestest.Start(t).Schema(t)
	var s stage
	for range 2 {
		pool, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		s.stores = append(s.stores, closing(t, pool))
	}
	return &s
}

func closing(t *testing.T, store storage.Store) storage.Store {
	t.Helper()
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// hashOf is the digest of a secret of a row.
func hashOf(kind, name string) secret.Hash { return secret.NewText(kind + " " + name).Hash() }

// claimed brings a login as far as the provider's answer, and returns what completes it.
func (s *stage) claimed(ctx context.Context, name, user string) (storage.Completion, error) {
	txn := storage.Transaction{
		ID: "txn-" + name, HandleHash: hashOf("handle", name), Status: storage.StatusPending, ClientID: clientID,
		RedirectURI: "https://app.example/cb", Challenge: "challenge", Resource: "https://mcp.example/mcp", Provider: "fake",
		CreateTime: start, ExpireTime: after(600),
	}
	approval := storage.Approval{
		HandleHash: txn.HandleHash, PageHash: hashOf("page", name), StateHash: hashOf("state", name),
		BrowserHash: hashOf("browser", name), Sealed: []byte("leg"),
	}
	store := s.stores[0]
	errCreate := store.CreateTransaction(ctx, txn, 1<<20)
	_, errApprove := store.ApproveTransaction(ctx, approval, start, 1<<20)
	_, errClaim := store.ClaimTransaction(ctx, approval.StateHash, approval.BrowserHash, start)
	return storage.Completion{
		TransactionID: txn.ID,
		User:          storage.User{ID: "user-" + user, Provider: "fake", Issuer: "https://idp.example", Subject: user, UpdateTime: start},
		Credential: storage.Credential{
			ID: "credential-" + user, UserID: "user-" + user, Provider: "fake", Sealed: []byte("tokens"), UpdateTime: start,
		},
		Code: storage.Code{
			Hash: hashOf("code", name), GrantID: "grant-" + name, ClientID: clientID, Resource: txn.Resource,
			UserID: "user-" + user, CredentialID: "credential-" + user, CreateTime: start, ExpireTime: after(codeSeconds),
		},
	}, errors.Join(errCreate, errApprove, errClaim)
}

// login stores a code for a user of its own.
func (s *stage) login(t *testing.T, name string) storage.Code {
	t.Helper()
	completion, err := s.claimed(t.Context(), name, name)
	if err := errors.Join(err, s.stores[0].CompleteTransaction(t.Context(), completion)); err != nil {
		t.Error(err)
	}
	return completion.Code
}

// granted stores the grant of a code.
func (s *stage) granted(t *testing.T, name string) storage.Grant {
	t.Helper()
	code := s.login(t, name)
	grant := grantOf(code)
	if err := s.stores[0].RedeemCode(t.Context(), code.Hash, start, grant); err != nil {
		t.Error(err)
	}
	return grant
}

// grantOf is what a code becomes: a line at its first token.
func grantOf(code storage.Code) storage.Grant {
	return storage.Grant{
		ID: code.GrantID, ClientID: code.ClientID, UserID: code.UserID, CredentialID: code.CredentialID,
		Resource: code.Resource, CreateTime: start, LastUsedTime: start, ExpireTime: after(grantSeconds),
		Refresh: &storage.Refresh{Generation: 1, Hash: tokenHash(code.GrantID, 1), ExpireTime: after(idleSeconds)},
	}
}
