package postgres

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// noon is when everything in these tests happens.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func hashOf(text string) secret.Hash { return secret.NewText(text).Hash() }

func numbered(prefix string, i int) string { return fmt.Sprintf("%s-%d", prefix, i) }

// openStore opens a store for a test.
func openStore(t testing.TB, url string, opts ...Option) *Store {
	t.Helper()
	store, err := Open(t.Context(), url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// claim takes an authorization from its beginning to the provider's answer. name must be new.
func claim(ctx context.Context, s storage.Store, name string) error {
	state, browser := hashOf("state "+name), hashOf("browser "+name)
	txn := storage.Transaction{
		ID: name, HandleHash: hashOf("handle " + name), ClientID: "client", CreateTime: noon,
		ExpireTime: noon.Add(time.Hour),
	}
	if err := s.CreateTransaction(ctx, txn, 1<<30); err != nil {
		return err
	}
	approval := storage.Approval{
		HandleHash: txn.HandleHash, StateHash: state, BrowserHash: browser, Sealed: []byte("sealed"),
	}
	if _, err := s.ApproveTransaction(ctx, approval, noon, 1<<30); err != nil {
		return err
	}
	_, err := s.ClaimTransaction(ctx, state, browser, noon)
	return err
}

// complete ends a claimed authorization with a code, whose hash derives from the name.
func complete(ctx context.Context, s storage.Store, name string) error {
	return s.CompleteTransaction(ctx, storage.Completion{
		TransactionID: name,
		User:          storage.User{ID: "user", Provider: "provider", Issuer: "issuer", Subject: "subject"},
		Credential:    storage.Credential{ID: "credential", UserID: "user"},
		Code:          codeNamed(name),
	})
}

// issue is claim and complete.
func issue(ctx context.Context, s storage.Store, name string) error {
	if err := claim(ctx, s, name); err != nil {
		return err
	}
	return complete(ctx, s, name)
}

func codeNamed(name string) storage.Code {
	return storage.Code{
		Hash: hashOf("code " + name), GrantID: "grant " + name, ClientID: "client", UserID: "user",
		CredentialID: "credential", Scopes: []string{"mcp"}, CreateTime: noon, ExpireTime: noon.Add(time.Hour),
	}
}

func grantNamed(name string) storage.Grant {
	return storage.Grant{
		ID: "grant " + name, ClientID: "client", UserID: "user", CredentialID: "credential", Scopes: []string{"mcp"},
		CreateTime: noon, ExpireTime: noon.Add(time.Hour),
		Refresh: &storage.Refresh{Generation: 1, Hash: hashOf("refresh-1 " + name), ExpireTime: noon.Add(time.Hour)},
	}
}

// exchange redeems the code of a name for a grant with a line of refresh tokens.
func exchange(ctx context.Context, s storage.Store, name string) error {
	return s.RedeemCode(ctx, codeNamed(name).Hash, noon, grantNamed(name))
}

// rotation presents the token of a generation.
func rotation(name string, generation int) storage.Rotation {
	return storage.Rotation{
		GrantID: "grant " + name, ClientID: "client", Generation: int64(generation), Hash: hashOf(numbered("refresh", generation) + " " + name),
		Next: hashOf(numbered("refresh", generation+1) + " " + name), NextExpire: noon.Add(time.Hour),
		Grace: time.Minute, Now: noon,
	}
}

// rotate moves a line on from a generation.
func rotate(ctx context.Context, s storage.Store, name string, generation int) error {
	_, err := s.RotateRefreshToken(ctx, rotation(name, generation))
	return err
}

// checkWhole checks that a code and its grant are there together or not at all, and that the code can be redeemed
// exactly if it was not.
func checkWhole(t *testing.T, s storage.Store, name string, redeemed bool) {
	t.Helper()
	stored, err := s.Code(t.Context(), codeNamed(name).Hash)
	if err != nil {
		t.Errorf("%s: its acknowledged code is gone: %v", name, err)
		return
	}
	used := !stored.UseTime.IsZero()
	_, err = s.Grant(t.Context(), "grant "+name)
	if granted := err == nil; granted != used || (!granted && !errors.Is(err, storage.ErrNotFound)) {
		t.Errorf("%s: the code is used: %t, but its grant answers %v", name, used, err)
	}
	if redeemed && !used {
		t.Errorf("%s: its acknowledged redemption is gone", name)
	}
	var want error
	if used {
		want = storage.ErrUsed
	}
	if err := exchange(t.Context(), s, name); !errors.Is(err, want) {
		t.Errorf("%s: redeeming now answers %v, want %v", name, err, want)
	}
}

// wantOutage checks that an error is an outage and no verdict.
func wantOutage(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("an outage answered %v, want %v", err, storage.ErrUnavailable)
	}
	for _, verdict := range storage.Verdicts() {
		if errors.Is(err, verdict) {
			t.Errorf("an outage is told as a verdict: %v", err)
		}
	}
}
