package server_test

import (
	"path/filepath"
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// Who logs out at the provider is signed out of the account page, where that session or person signed in.
func TestLogoutAtTheProviderEndsTheSignIn(t *testing.T) {
	dir := t.TempDir()
	r := &rig{idp: upstreamtest.New(t), clock: &upstreamtest.Clock{}}
	r.clock.Set(time.Now().UTC().Truncate(time.Second))
	r.idp.SetClock(r.clock.Now)
	r.start(t, dir)
	signedIn := func(session string) bool {
		t.Helper()
		_, err := r.GetAccount(t.Context(), &gatehousev1.GetAccountRequest{SessionSecret: session})
		if err != nil {
			wantReason(t, err, "session_expired")
		}
		return err == nil
	}
	receive := func(token secret.Text) {
		t.Helper()
		_, err := r.ReceiveLogoutToken(t.Context(), &gatehousev1.ReceiveLogoutTokenRequest{LogoutToken: token.Reveal()})
		if err != nil {
			t.Fatal(err)
		}
	}
	first, second, bobs := r.signIn(t, "alice"), r.signIn(t, "alice"), r.signIn(t, "bob")
	receive(r.idp.LogoutToken("", providerSession(t, dir, first, r.clock.Now())))
	if signedIn(first) || !signedIn(second) || !signedIn(bobs) {
		t.Error("the end of one session did not sign out that session alone")
	}
	receive(r.idp.LogoutToken("alice", ""))
	if signedIn(second) || !signedIn(bobs) {
		t.Error("the logout of a person did not sign out that person alone")
	}
}

// providerSession reads from the store which session of the provider a sign-in came from.
func providerSession(t *testing.T, dir, session string, now time.Time) string {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	stored, _, err := store.AccountSession(t.Context(), secret.NewText(session).Hash(), now)
	if err != nil || stored.SessionID == "" {
		t.Fatalf("the sign-in came from %q: %v", stored.SessionID, err)
	}
	return stored.SessionID
}
