package transfer_test

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// noon is the time of everything that tests do through a store.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 123456000, time.UTC)

func hashOf(text string) secret.Hash { return secret.NewText(text).Hash() }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// grant logs a user in, from the authorization request to the grant.
func grant(t testing.TB, store storage.Store, user string) storage.Grant {
	t.Helper()
	ctx := t.Context()
	txn := storage.Transaction{
		ID: "txn " + user, HandleHash: hashOf("handle " + user), Status: storage.StatusPending, ClientID: "client",
		CreateTime: noon, ExpireTime: noon.Add(time.Minute),
	}
	must(t, store.CreateTransaction(ctx, txn, 1000))
	state, browser := hashOf("state "+user), hashOf("browser "+user)
	_, err := store.ApproveTransaction(ctx, storage.Approval{
		HandleHash: txn.HandleHash, PageHash: hashOf("page"), StateHash: state, BrowserHash: browser,
	}, noon, 1000)
	must(t, err)
	_, err = store.ClaimTransaction(ctx, state, browser, noon)
	must(t, err)
	code := storage.Code{
		Hash: hashOf("code " + user), GrantID: "grant " + user, ClientID: "client", UserID: user, CredentialID: user,
		CreateTime: noon, ExpireTime: noon.Add(time.Minute),
	}
	must(t, store.CompleteTransaction(ctx, storage.Completion{
		TransactionID: txn.ID,
		User:          storage.User{ID: user, Subject: user},
		Credential:    storage.Credential{ID: user, UserID: user, Sealed: []byte("sealed"), HasRefreshToken: true},
		Code:          code,
	}))
	granted := storage.Grant{
		ID: code.GrantID, ClientID: "client", UserID: user, CredentialID: user,
		CreateTime: noon, ExpireTime: noon.Add(24 * time.Hour),
	}
	must(t, store.RedeemCode(ctx, code.Hash, noon, granted))
	return granted
}

// revoke ends a grant that it makes, and returns the sequence that this got.
func revoke(t testing.TB, store storage.Store, user string) int64 {
	t.Helper()
	filter := storage.GrantFilter{ID: grant(t, store, user).ID, Now: noon}
	_, err := store.RevokeGrants(t.Context(), filter, storage.RevokedByOperator)
	must(t, err)
	_, highest, err := store.RevocationBounds(t.Context())
	must(t, err)
	return highest
}

// lease takes and gives back the lease on a user's credential, and returns its fence.
func lease(t testing.TB, store storage.Store, user string) int64 {
	t.Helper()
	taken, err := store.BeginRenewal(t.Context(), user, 1, noon, noon.Add(time.Minute))
	must(t, err)
	must(t, store.AbandonRenewal(t.Context(), user, taken.Fence))
	return taken.Fence
}
