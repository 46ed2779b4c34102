package credential_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/identifier"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// bench is a store with one login in it, and a provider.
type bench struct {
	idp      *upstreamtest.FakeIdP
	provider *upstream.OIDC
	clock    *upstreamtest.Clock
	store    storage.Store
	vault    credential.Vault
	grantID  string
	id       string // of the credential

	mu      sync.Mutex
	revoked []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{idp: upstreamtest.New(t), clock: &upstreamtest.Clock{}}
	b.clock.Set(time.Now().UTC().Truncate(time.Second))
	b.idp.SetClock(b.clock.Now)
	config := b.idp.Config("https://mcp.example.com/auth/callback")
	config.Now = b.clock.Now
	var err error
	if b.provider, err = upstream.NewOIDC(config); err != nil {
		t.Fatal(err)
	}
	if b.store, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.store.Close() })
	sealer, err := seal.New(seal.NewKey([seal.KeySize]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	b.vault = credential.NewVault(sealer)
	b.login(t)
	return b
}

// login stores a login of alice with one grant.
func (b *bench) login(t *testing.T) {
	t.Helper()
	b.keep(t, b.idp.LogIn(t, b.provider, "alice"))
}

// keep stores what the provider answered to a login, with one grant.
func (b *bench) keep(t *testing.T, login upstream.Login) {
	t.Helper()
	now, random := b.clock.Now(), secret.NewSource(nil)
	user := storage.User{
		ID:       identifier.User(b.provider.Name(), login.Identity.Issuer, login.Identity.Subject),
		Provider: b.provider.Name(), Issuer: login.Identity.Issuer, Subject: login.Identity.Subject, UpdateTime: now,
	}
	record, err := b.vault.Record(user, login, now)
	if err != nil {
		t.Fatal(err)
	}
	txn := storage.Transaction{
		ID: random.ID(), HandleHash: random.Text("").Hash(), Status: storage.StatusPending, ClientID: "client",
		CreateTime: now, ExpireTime: now.Add(time.Minute), Provider: user.Provider,
	}
	code := storage.Code{
		Hash: random.Text("").Hash(), GrantID: random.ID(), ClientID: "client", UserID: user.ID, CredentialID: record.ID,
		CreateTime: now, ExpireTime: now.Add(time.Minute),
	}
	grant := storage.Grant{
		ID: code.GrantID, ClientID: "client", UserID: user.ID, CredentialID: record.ID,
		CreateTime: now, LastUsedTime: now, ExpireTime: now.Add(90 * 24 * time.Hour),
	}
	err = errors.Join(
		claim(t.Context(), b.store, txn),
		b.store.CompleteTransaction(t.Context(), storage.Completion{TransactionID: txn.ID, User: user, Credential: record, Code: code}),
		b.store.RedeemCode(t.Context(), code.Hash, now, grant))
	if err != nil {
		t.Fatal(err)
	}
	b.grantID, b.id = grant.ID, record.ID
}

// claim walks a transaction to where a login completes it.
func claim(ctx context.Context, store storage.Store, txn storage.Transaction) error {
	state, browser := secret.NewText("state of "+txn.ID).Hash(), secret.NewText("browser of "+txn.ID).Hash()
	approval := storage.Approval{HandleHash: txn.HandleHash, StateHash: state, BrowserHash: browser}
	errCreate := store.CreateTransaction(ctx, txn, 100)
	_, errApprove := store.ApproveTransaction(ctx, approval, txn.CreateTime, 100)
	_, errClaim := store.ClaimTransaction(ctx, state, browser, txn.CreateTime)
	return errors.Join(errCreate, errApprove, errClaim)
}

// Revoked records what the keeper tells verifiers.
func (b *bench) Revoked(ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revoked = append(b.revoked, ids...)
}

// keeper is one replica, which waits for the provider for as long as it takes.
func (b *bench) keeper(t *testing.T, provider credential.Provider) *credential.Keeper {
	t.Helper()
	return b.impatient(t, provider, time.Hour)
}

// impatient is one replica that waits for the provider for so long.
func (b *bench) impatient(t *testing.T, provider credential.Provider, patience time.Duration) *credential.Keeper {
	t.Helper()
	keeper, err := credential.NewKeeper(
		credential.Deps{Store: b.store, Vault: b.vault, Provider: provider, Revoker: b, Now: b.clock.Now, Logger: slog.New(slog.DiscardHandler)},
		credential.Config{
			RecheckInterval: time.Minute, MaxStaleness: 10 * time.Minute, RenewAhead: time.Minute, LeaseTTL: 30 * time.Second, CacheSize: 100,
			Patience: patience,
		})
	if err != nil {
		t.Fatal(err)
	}
	return keeper
}

// confirmation is what the store knows of the credential.
func (b *bench) confirmation(t *testing.T) storage.Confirmation {
	t.Helper()
	record, err := b.store.Credential(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	return record.Confirmation()
}

// standing asks a keeper about the credential as it is in the store now.
func (b *bench) standing(t *testing.T, keeper *credential.Keeper) (credential.Standing, error) {
	t.Helper()
	return keeper.Standing(t.Context(), b.confirmation(t))
}

func (b *bench) wantHeld(t *testing.T, keeper *credential.Keeper, want bool) {
	t.Helper()
	if standing, err := b.standing(t, keeper); err != nil || standing.Held != want {
		t.Errorf("standing = %+v, %v; want held = %t", standing, err, want)
	}
}

func (b *bench) live(t *testing.T) bool {
	t.Helper()
	grant, err := b.store.Grant(t.Context(), b.grantID)
	if err != nil {
		t.Fatal(err)
	}
	return grant.RevokeTime.IsZero()
}

func TestProviderIsAskedOncePerInterval(t *testing.T) {
	b := newBench(t)
	keeper := b.keeper(t, b.provider)
	asked := func() int { return b.idp.Requests(upstreamtest.Introspection) }
	b.wantHeld(t, keeper, true)
	if asked() != 0 {
		t.Error("asked right after the login")
	}
	b.clock.Advance(time.Minute)
	for range 10 {
		b.wantHeld(t, keeper, true)
	}
	if asked() != 1 {
		t.Errorf("asked %d times in an interval", asked())
	}
}

func TestRenewalHappensOnceAheadOfExpiry(t *testing.T) {
	b := newBench(t)
	keeper := b.keeper(t, b.provider)
	b.clock.Advance(4*time.Minute + time.Second) // of five
	for range 3 {
		b.wantHeld(t, keeper, true)
	}
	if b.idp.Renewals() != 1 {
		t.Errorf("%d renewals", b.idp.Renewals())
	}
	record, err := b.store.Credential(t.Context(), b.id)
	if err != nil || record.Version != 2 || record.Attempts != 0 || !record.LeaseTime.IsZero() {
		t.Errorf("record = %+v, %v", record, err)
	}
}

func TestReplicasRenewOnce(t *testing.T) {
	b := newBench(t)
	replicas := []*credential.Keeper{b.keeper(t, b.provider), b.keeper(t, b.provider), b.keeper(t, b.provider)}
	for epoch := range 5 {
		b.clock.Advance(5 * time.Minute)
		var group sync.WaitGroup
		for i := range 60 {
			group.Go(func() {
				if standing, err := b.standing(t, replicas[i%len(replicas)]); err != nil || !standing.Held {
					t.Errorf("standing = %+v, %v", standing, err)
				}
			})
		}
		group.Wait()
		// A strict provider ends the session at the second presentation of a refresh token.
		if b.idp.Renewals() != epoch+1 {
			t.Fatalf("%d renewals after %d epochs", b.idp.Renewals(), epoch+1)
		}
	}
	if !b.live(t) {
		t.Error("the user was logged out")
	}
}

func TestIdleReplicasWaitForTheOneThatRenews(t *testing.T) {
	b := newBench(t)
	b.idp.Configure(func(s *upstreamtest.Settings) { s.RefreshLifetime = 24 * time.Hour })
	b.login(t)
	slow := &slowProvider{OIDC: b.provider, begun: make(chan struct{}), proceed: make(chan struct{})}
	first, second := b.keeper(t, slow), b.keeper(t, b.provider)
	b.clock.Advance(3 * time.Hour) // far beyond the staleness that would answer at once
	done := make(chan error, 1)
	go func() { _, err := b.standing(t, first); done <- err }()
	<-slow.begun
	waited := make(chan credential.Standing, 1)
	go func() { standing, _ := b.standing(t, second); waited <- standing }()
	close(slow.proceed)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if standing := <-waited; !standing.Held {
		t.Error("the waiting replica refused")
	}
	if b.idp.Renewals() != 1 {
		t.Errorf("%d renewals", b.idp.Renewals())
	}
}

// slowProvider renews when it is told to.
type slowProvider struct {
	*upstream.OIDC
	begun, proceed chan struct{}
}

func (p *slowProvider) Renew(ctx context.Context, tokens upstream.Tokens) (upstream.Login, error) {
	close(p.begun)
	<-p.proceed
	return p.OIDC.Renew(ctx, tokens)
}

func TestOnlyInvalidGrantEndsGrants(t *testing.T) {
	for name, test := range map[string]struct {
		fault upstreamtest.Fault
		ends  bool
	}{
		"invalid_grant":  {upstreamtest.OAuthError(400, "invalid_grant"), true},
		"as a 500":       {upstreamtest.OAuthError(500, "invalid_grant"), false},
		"as a 403":       {upstreamtest.OAuthError(403, "invalid_grant"), false},
		"as a success":   {upstreamtest.OAuthError(200, "invalid_grant"), false},
		"in a page":      {upstreamtest.Body(400, "text/html", "<p>invalid_grant</p>"), false},
		"in a list":      {upstreamtest.Body(400, "application/json", `["invalid_grant"]`), false},
		"as invalid":     {upstreamtest.OAuthError(400, "invalid_client"), false},
		"unauthorized":   {upstreamtest.OAuthError(400, "unauthorized_client"), false},
		"400 page":       {upstreamtest.Status(400), false},
		"our secret":     {upstreamtest.OAuthError(401, "invalid_client"), false},
		"another error":  {upstreamtest.OAuthError(400, "invalid_request"), false},
		"500":            {upstreamtest.Status(500), false},
		"503":            {upstreamtest.Status(503), false},
		"429":            {upstreamtest.Status(429), false},
		"reset":          {upstreamtest.Reset(), false},
		"HTML":           {upstreamtest.Body(200, "text/html", "<html>"), false},
		"truncated":      {upstreamtest.Truncate(`{"access_token":"x`), false},
		"no token in it": {upstreamtest.Body(200, "application/json", "{}"), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			keeper := b.keeper(t, b.provider)
			b.idp.SetFault(upstreamtest.Token, test.fault)
			b.clock.Advance(5 * time.Minute)
			b.wantHeld(t, keeper, !test.ends) // an outage is covered by the last confirmation
			if b.live(t) == test.ends {
				t.Errorf("grant lives: %t", b.live(t))
			}
			if told := len(b.revoked) == 1; told != test.ends {
				t.Errorf("verifiers were told: %t", told)
			}
		})
	}
}

func TestOutageIsBoundedAndRecoversByItself(t *testing.T) {
	b := newBench(t)
	b.idp.Configure(func(s *upstreamtest.Settings) { s.RefreshLifetime = 24 * time.Hour })
	b.login(t)
	keeper := b.keeper(t, b.provider)
	down := upstreamtest.Status(503)
	for _, endpoint := range []upstreamtest.Endpoint{upstreamtest.Token, upstreamtest.Introspection, upstreamtest.Keys, upstreamtest.Discovery} {
		b.idp.SetFault(endpoint, down)
	}
	b.clock.Advance(10 * time.Minute)
	b.wantHeld(t, keeper, true)
	b.clock.Advance(2 * time.Minute)
	_, err := b.standing(t, keeper)
	if outage, ok := errors.AsType[*oauth.Error](err); !ok || outage.Code != oauth.TemporarilyUnavailable || outage.RetryAfter == 0 {
		t.Errorf("after the bound: %v", err)
	}
	if !b.live(t) {
		t.Error("the outage logged the user out")
	}
	for _, endpoint := range []upstreamtest.Endpoint{upstreamtest.Token, upstreamtest.Introspection, upstreamtest.Keys, upstreamtest.Discovery} {
		b.idp.SetFault(endpoint, nil)
	}
	b.clock.Advance(10 * time.Second)
	b.wantHeld(t, keeper, true)
}

func TestFailingProviderIsLeftAlone(t *testing.T) {
	b := newBench(t)
	keeper := b.keeper(t, b.provider)
	b.idp.SetFault(upstreamtest.Token, upstreamtest.Status(503))
	b.clock.Advance(5 * time.Minute)
	before := b.idp.Requests(upstreamtest.Token)
	for range 50 {
		standing, err := b.standing(t, keeper)
		if err != nil || !standing.Held || !standing.Until.After(b.clock.Now()) {
			t.Fatalf("standing = %+v, %v; want one that stands for a moment", standing, err)
		}
	}
	if n := b.idp.Requests(upstreamtest.Token) - before; n != 1 {
		t.Errorf("%d calls in one moment", n)
	}
}

func TestAProviderIsNotLeftAloneForAsLongAsAClockWasWrong(t *testing.T) {
	b := newBench(t)
	keeper := b.keeper(t, b.provider)
	b.clock.Advance(time.Hour)
	b.idp.SetFault(upstreamtest.Token, upstreamtest.Status(503))
	if _, err := b.standing(t, keeper); err == nil {
		t.Fatal("it stands an hour after the last confirmation")
	}
	b.idp.SetFault(upstreamtest.Token, nil)
	b.clock.Advance(-58 * time.Minute)
	before := b.idp.Requests(upstreamtest.Introspection)
	b.wantHeld(t, keeper, true)
	if n := b.idp.Requests(upstreamtest.Introspection) - before; n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestFailingProviderIsLeftAloneForAsLongAsItWishes(t *testing.T) {
	b := newBench(t)
	keeper := b.keeper(t, b.provider)
	b.idp.SetFault(upstreamtest.Token, upstreamtest.RetryAfter("120"))
	b.clock.Advance(5 * time.Minute)
	before := b.idp.Requests(upstreamtest.Token)
	for _, step := range []struct {
		after time.Duration
		asked int // in all
		wait  time.Duration
	}{
		{0, 1, 0}, {119 * time.Second, 1, 0}, {time.Second, 2, 0}, // the last confirmation stands
		{5 * time.Minute, 3, 2 * time.Minute}, {50 * time.Second, 3, 70 * time.Second}, {69 * time.Second, 3, 5 * time.Second},
	} {
		b.clock.Advance(step.after)
		_, err := b.standing(t, keeper)
		var wait time.Duration
		if outage, ok := errors.AsType[*oauth.Error](err); ok {
			wait = outage.RetryAfter
		}
		if asked := b.idp.Requests(upstreamtest.Token) - before; asked != step.asked || wait != step.wait {
			t.Errorf("after %s more: asked %d times, told to wait %s (%v); want %d and %s",
				step.after, asked, wait, err, step.asked, step.wait)
		}
	}
}

// Whoever holds a token that the provider stands behind no more can present it as often as he likes.
func TestARefusalIsNotAskedForAgainAtOnce(t *testing.T) {
	b := newBench(t)
	login := b.idp.LogIn(t, b.provider, "alice")
	login.Tokens.RefreshToken = secret.Text{} // with one, the renewal decides
	b.keep(t, login)
	keeper := b.keeper(t, b.provider)
	b.idp.LogOut("alice")
	b.clock.Advance(time.Minute)
	asked := func() int { return b.idp.Requests(upstreamtest.Introspection) + b.idp.Requests(upstreamtest.Userinfo) }
	b.wantHeld(t, keeper, false)
	first := asked()
	if first == 0 {
		t.Fatal("the provider was not asked")
	}
	for range 50 {
		b.wantHeld(t, keeper, false)
	}
	if asked() != first {
		t.Errorf("asked %d times more in one moment", asked()-first)
	}
	b.idp.SetFault(upstreamtest.Introspection, upstreamtest.Status(503))
	b.clock.Advance(10 * time.Second)
	b.wantHeld(t, keeper, false) // the last word stands
	b.idp.SetFault(upstreamtest.Introspection, nil)
	b.login(t)
	b.wantHeld(t, keeper, true) // the refusal was of other tokens
	b.clock.Advance(time.Minute)
	b.wantHeld(t, keeper, true)
}

// A client goes to a login only when its refresh token is refused: a grant that nothing can make good again must end.
func TestTokensThatLapseEndTheirGrants(t *testing.T) {
	b := newBench(t)
	login := b.idp.LogIn(t, b.provider, "alice")
	login.Tokens.RefreshToken = secret.Text{}
	b.keep(t, login)
	keeper := b.keeper(t, b.provider)
	b.clock.Advance(4 * time.Minute) // of five
	b.wantHeld(t, keeper, true)
	b.idp.SetFault(upstreamtest.Introspection, upstreamtest.Status(503))
	b.clock.Advance(90 * time.Second) // clocks differ
	b.wantHeld(t, keeper, true)
	if !b.live(t) {
		t.Error("ended before the tokens have lapsed for every clock")
	}
	b.clock.Advance(time.Minute)
	b.wantHeld(t, keeper, false)
	if b.live(t) || len(b.revoked) == 0 {
		t.Errorf("the grant lives on; verifiers heard of %v", b.revoked)
	}
}

func TestDisabledUserIsNoticedAtTheNextCheck(t *testing.T) {
	b := newBench(t)
	keeper := b.keeper(t, b.provider)
	b.wantHeld(t, keeper, true)
	b.idp.DisableUser("alice")
	b.clock.Advance(time.Minute)
	b.wantHeld(t, keeper, false)
	if b.live(t) {
		t.Error("the grant lives on")
	}
}

func TestCrashAfterTheProviderAnsweredCostsOneRecoveryTry(t *testing.T) {
	b := newBench(t)
	b.clock.Advance(5 * time.Minute)
	record, err := b.store.Credential(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	// A replica took the lease, was answered, and died before it could write.
	now := b.clock.Now()
	if _, err := b.store.BeginRenewal(t.Context(), b.id, record.Version, now, now.Add(30*time.Second)); err != nil {
		t.Fatal(err)
	}
	tokens, err := b.vault.Open(record)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.provider.Renew(t.Context(), tokens); err != nil {
		t.Fatal(err)
	}
	keeper := b.keeper(t, b.provider)
	b.wantHeld(t, keeper, true) // its lease stands: the last confirmation is used
	if b.idp.Presentations(tokens.RefreshToken) != 1 {
		t.Error("presented under another's lease")
	}
	b.clock.Advance(31 * time.Second)
	b.wantHeld(t, keeper, false) // the strict provider refuses the spent token: this user logs in again
	if n := b.idp.Presentations(tokens.RefreshToken); n != 2 {
		t.Errorf("presented %d times", n)
	}
}
