package sqlite

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

// issue takes an authorization from its beginning to a code. name must be new; the code's hash derives from it.
func issue(ctx context.Context, s storage.Store, name string) (storage.Code, error) {
	state, browser := hashOf("state "+name), hashOf("browser "+name)
	txn := storage.Transaction{
		ID: name, HandleHash: hashOf("handle " + name), ClientID: "client", CreateTime: noon,
		ExpireTime: noon.Add(time.Hour),
	}
	if err := s.CreateTransaction(ctx, txn, 1<<30); err != nil {
		return storage.Code{}, err
	}
	approval := storage.Approval{
		HandleHash: txn.HandleHash, StateHash: state, BrowserHash: browser, Sealed: []byte("sealed"),
	}
	if _, err := s.ApproveTransaction(ctx, approval, noon, 1<<30); err != nil {
		return storage.Code{}, err
	}
	if _, err := s.ClaimTransaction(ctx, state, browser, noon); err != nil {
		return storage.Code{}, err
	}
	code := codeNamed(name)
	return code, s.CompleteTransaction(ctx, storage.Completion{
		TransactionID: name,
		User:          storage.User{ID: "user", Provider: "provider", Issuer: "issuer", Subject: "subject"},
		Credential:    storage.Credential{ID: "credential", UserID: "user"},
		Code:          code,
	})
}

func codeNamed(name string) storage.Code {
	return storage.Code{
		Hash: hashOf("code " + name), GrantID: "grant " + name, ClientID: "client", UserID: "user",
		CredentialID: "credential", Scopes: []string{"mcp"}, CreateTime: noon, ExpireTime: noon.Add(time.Hour),
	}
}

// exchange redeems a code for a grant that refreshes.
func exchange(ctx context.Context, s storage.Store, code storage.Code) error {
	return s.RedeemCode(ctx, code.Hash, noon, grantOf(code))
}

func grantOf(code storage.Code) storage.Grant {
	return storage.Grant{
		ID: code.GrantID, ClientID: code.ClientID, UserID: code.UserID, CredentialID: code.CredentialID,
		Resource: code.Resource, Scopes: code.Scopes, CreateTime: noon, ExpireTime: noon.Add(time.Hour),
		Refresh: &storage.Refresh{Generation: 1, Hash: refreshHash(code.GrantID, 1), ExpireTime: noon.Add(time.Hour)},
	}
}

// rotate moves the line of a grant on from a generation.
func rotate(ctx context.Context, s storage.Store, grantID string, generation int64) (storage.Rotated, error) {
	return s.RotateRefreshToken(ctx, storage.Rotation{
		GrantID: grantID, ClientID: "client", Generation: generation, Hash: refreshHash(grantID, generation),
		Next: refreshHash(grantID, generation+1), NextExpire: noon.Add(time.Hour), Grace: time.Minute, Now: noon,
	})
}

func refreshHash(grantID string, generation int64) secret.Hash {
	return hashOf(numbered("refresh "+grantID, int(generation)))
}

// checkWhole checks that a code and its grant are there together or not at all, and that the code can be redeemed
// exactly if it was not.
func checkWhole(t *testing.T, s storage.Store, code storage.Code, redeemed bool) {
	t.Helper()
	stored, err := s.Code(t.Context(), code.Hash)
	if err != nil {
		t.Errorf("%s: its acknowledged code is gone: %v", code.GrantID, err)
		return
	}
	used := !stored.UseTime.IsZero()
	_, err = s.Grant(t.Context(), code.GrantID)
	if granted := err == nil; granted != used || (!granted && !errors.Is(err, storage.ErrNotFound)) {
		t.Errorf("%s: the code is used: %t, but its grant answers %v", code.GrantID, used, err)
	}
	if redeemed && !used {
		t.Errorf("%s: its acknowledged redemption is gone", code.GrantID)
	}
	var want error
	if used {
		want = storage.ErrUsed
	}
	if err := exchange(t.Context(), s, code); !errors.Is(err, want) {
		t.Errorf("%s: redeeming now answers %v, want %v", code.GrantID, err, want)
	}
}

// checkIntegrity lets SQLite look at the whole file.
func checkIntegrity(t *testing.T, s *Store) {
	t.Helper()
	var verdict string
	err := s.reader.row(t.Context(), []any{&verdict}, `PRAGMA integrity_check`)
	if err != nil || verdict != "ok" {
		t.Errorf("integrity check: %s, %v", verdict, err)
	}
	var orphans int
	err = s.reader.row(t.Context(), []any{&orphans}, `SELECT count(*) FROM pragma_foreign_key_check`)
	if err != nil || orphans != 0 {
		t.Errorf("%d rows refer to nothing, %v", orphans, err)
	}
}

func numbered(prefix string, i int) string { return fmt.Sprintf("%s-%d", prefix, i) }
