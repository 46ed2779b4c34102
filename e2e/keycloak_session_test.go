package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/browser"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/keycloak"
)

const (
	// keycloakAccessLife is short, so that a test sees renewals.
	keycloakAccessLife = 5 * time.Second
	// checkDelay is how long a change at the provider may take to show where it is asked every second.
	checkDelay = 3 * revocationDelay
)

// keycloakSessions is two gatehouses before one realm of a real Keycloak: one that asks it every second and is told
// nothing, and one that asks every minute, as is usual, and is told of logouts.
type keycloakSessions struct {
	server       *keycloak.Server
	asking, told *served
	// restart runs the one that asks again, until the end of the whole test.
	restart func()
}

// TestKeycloakSessions walks sessions through what happens to them at a real provider.
func TestKeycloakSessions(t *testing.T) {
	k := keycloakSessions{server: startKeycloak(t)}
	k.asking = prepareForKeycloak(t, "asking", map[string]string{"GATEHOUSE_RECHECK_INTERVAL": "1s"})
	k.asking.process.broken = "the provider could not confirm a credential" // while our secret is the old one
	k.told = prepareForKeycloak(t, "told", nil)
	k.told.logoutURL = k.told.server.URL + logoutPath
	createRealm(t, k.server, keycloakAccessLife, k.asking, k.told)
	k.restart = func() { k.asking.start(t) }
	k.restart()
	k.told.start(t)
	for _, step := range []struct {
		name string
		walk func(*testing.T)
	}{
		{"the provider's access token runs out", k.outlivesAccessToken},
		{"the user visits the account page in the same browser", k.outlivesAccountVisit},
		{"the realm changes its keys", k.outlivesRealmKeys},
		{"Keycloak is stopped and started", k.outlivesRestart},
		{"the client secret changes", k.outlivesClientSecret},
		{"an administrator logs the user out", k.endsWithSession},
		{"an administrator disables the user", k.endsWithUser},
	} {
		t.Run(step.name, step.walk)
	}
}

func (k *keycloakSessions) outlivesAccessToken(t *testing.T) {
	s := k.asking.connect(t, k.asking.alice)
	k.asking.checkHolds(t, s, keycloakAccessLife+3*time.Second)
	k.asking.refreshed(t, s)
}

// outlivesAccountVisit: in one browser the application and the account page share a session of Keycloak, which signs in
// without asking again, and which ends as a whole with any refresh token of it that is revoked.
func (k *keycloakSessions) outlivesAccountVisit(t *testing.T) {
	c := k.asking.register(t)
	s := session{client: c, attempt: k.asking.server.NewAttempt(c.id, c.redirectURI)}
	b := k.asking.newBrowser(t, c.redirectURI)
	s.code = k.asking.walk(t, b, s.attempt, k.asking.alice)
	answer := k.asking.exchange(t, s.attempt.ExchangeForm(s.code))
	s.access, s.refresh = answer.Text("access_token"), answer.Text("refresh_token")

	page, err := b.Open(t.Context(), k.asking.server.URL+"/account")
	if err != nil || signInForm(page) == nil {
		t.Fatalf("no way to sign in: %v, %v", page, err)
	}
	account := submit(t, b, signInForm(page), nil)
	at := slices.IndexFunc(account.Forms, func(f *browser.Form) bool { return f.Button("Sign out") != nil })
	if at < 0 {
		t.Fatalf("Keycloak did not sign in by itself, or there is no way out: %s", account)
	}
	if page := submit(t, b, account.Forms[at], nil); page.Status != http.StatusOK || signInForm(page) == nil {
		t.Errorf("after the sign-out: %s", page)
	}
	k.asking.checkHolds(t, s, keycloakAccessLife+3*time.Second)
	k.asking.refreshed(t, s)
}

// outlivesRealmKeys: what the old key signed is not good any more, and is renewed.
func (k *keycloakSessions) outlivesRealmKeys(t *testing.T) {
	s := k.asking.connect(t, k.asking.alice)
	if err := k.server.RotateKeys(t.Context(), keycloakRealm); err != nil {
		t.Fatal(err)
	}
	k.asking.checkHolds(t, s, 3*time.Second)
	k.asking.connect(t, k.asking.bob)
}

func (k *keycloakSessions) outlivesRestart(t *testing.T) {
	s := k.asking.connect(t, k.asking.alice)
	k.server.Stop()
	k.asking.checkHolds(t, s, 3*time.Second)
	s = k.asking.refreshed(t, s)
	if err := k.server.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.asking.checkHolds(t, s, keycloakAccessLife)
	k.asking.connect(t, k.asking.alice)
}

// outlivesClientSecret: until we know the new one the provider says nothing about sessions, and nobody is logged out.
func (k *keycloakSessions) outlivesClientSecret(t *testing.T) {
	s := k.asking.connect(t, k.asking.alice)
	secret, err := k.server.RenewSecret(t.Context(), keycloakRealm, "asking")
	if err != nil {
		t.Fatal(err)
	}
	k.asking.secrets.Add("provider client secret", secret)
	k.asking.checkHolds(t, s, 3*time.Second)

	k.asking.process.env["KEYCLOAK_CLIENT_SECRET"] = secret
	if err := k.asking.running.Stop(); err != nil {
		t.Fatal(err)
	}
	k.restart()
	k.asking.checkHolds(t, s, keycloakAccessLife+3*time.Second)
	k.asking.connect(t, k.asking.alice)
}

// endsWithSession: who is told knows at once, and who asks knows at the next check.
func (k *keycloakSessions) endsWithSession(t *testing.T) {
	asking, told := k.asking.connect(t, k.asking.alice), k.told.connect(t, k.told.alice)
	other := k.told.connect(t, k.told.bob)
	k.asking.checkHolds(t, asking, 0)
	k.told.checkHolds(t, told, 0)
	begin := time.Now()
	if err := k.server.LogOut(t.Context(), keycloakRealm, "alice"); err != nil {
		t.Fatal(err)
	}
	eventually(t, revocationDelay, "the end of the session that was told of", func() bool {
		return k.told.mcpStatus(t, told.access) == http.StatusUnauthorized
	})
	t.Logf("told after %s", time.Since(begin))
	eventually(t, checkDelay, "the end of the session that was asked about", func() bool {
		return k.asking.mcpStatus(t, asking.access) == http.StatusUnauthorized
	})
	t.Logf("asked after %s", time.Since(begin))
	k.told.checkInvalidGrant(t, "the refresh token of the session that was told of", refreshForm(told))
	k.asking.checkInvalidGrant(t, "the refresh token of the session that was asked about", refreshForm(asking))
	k.told.checkHolds(t, other, 0)
}

func (k *keycloakSessions) endsWithUser(t *testing.T) {
	s := k.asking.connect(t, k.asking.alice)
	if err := k.server.SetEnabled(t.Context(), keycloakRealm, "alice", false); err != nil {
		t.Fatal(err)
	}
	eventually(t, checkDelay, "the end of the disabled user's session", func() bool {
		return k.asking.mcpStatus(t, s.access) == http.StatusUnauthorized
	})
	k.asking.checkInvalidGrant(t, "the refresh token of the disabled user", refreshForm(s))
	if err := k.server.SetEnabled(t.Context(), keycloakRealm, "alice", true); err != nil {
		t.Fatal(err)
	}
	k.asking.connect(t, k.asking.alice)
}
