package authorization

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// AccountSession is a user signed in at this server itself.
type AccountSession struct {
	Secret     secret.Text
	ExpireTime time.Time
}

// BeginAccount starts a login for the account page. There is no client to consent to: the browser that asks is bound
// at once.
func (f *Flow) BeginAccount(ctx context.Context) (Decision, error) {
	leg := f.newLeg()
	url, err := f.upstreamURL(ctx, leg)
	if err != nil {
		return Decision{}, err
	}
	now := f.deps.Now()
	state, browser := leg.state.Hash(), leg.browser.Hash()
	txn := storage.Transaction{
		ID:          f.deps.Random.ID(),
		HandleHash:  f.deps.Random.Text("").Hash(), // of a handle that nobody has
		Status:      storage.StatusApproved,
		Provider:    f.deps.Provider.Name(),
		CreateTime:  now,
		ExpireTime:  now.Add(f.config.TransactionTTL),
		StateHash:   &state,
		BrowserHash: &browser,
	}
	if txn.Sealed, err = f.sealLeg(leg, txn.ID); err != nil {
		return Decision{}, err
	}
	if err := f.deps.Store.CreateTransaction(ctx, txn, f.config.MaxLive); err != nil {
		return Decision{}, oauth.Unavailable(err)
	}
	return Decision{UpstreamURL: url, State: leg.state, BrowserSecret: leg.browser, Transaction: txn}, nil
}

// completeAccount signs the user in. The provider's tokens have done their work when the identity is proven, and are
// given back.
func (f *Flow) completeAccount(ctx context.Context, txn storage.Transaction, answer Answer) (AccountSession, error) {
	login, err := f.login(ctx, txn, answer)
	if err != nil {
		return AccountSession{}, f.abandon(ctx, txn, accountError(err))
	}
	now := f.deps.Now()
	session := AccountSession{Secret: f.deps.Random.Text(""), ExpireTime: now.Add(f.config.AccountTTL)}
	user := user(txn.Provider, login.Identity, now)
	err = f.deps.Store.CompleteAccountLogin(ctx, txn.ID, user, storage.AccountSession{
		Hash:       session.Secret.Hash(),
		UserID:     user.ID,
		SessionID:  login.SessionID,
		CreateTime: now,
		ExpireTime: session.ExpireTime,
	})
	if err != nil {
		return AccountSession{}, f.abandon(ctx, txn, translate(err))
	}
	// The tokens are dropped, not revoked. Keycloak ends its whole session with a refresh token, and in one browser that
	// is the session of the user's applications as well.
	return session, nil
}

// accountError is shown to the user, since no client waits for it.
func accountError(err error) error {
	if upstream.KindOf(err) == upstream.KindInvalidToken {
		return untrusted(err)
	}
	public := publicError(err)
	if public.Code == oauth.ServerError {
		public = oauth.NewError(oauth.AccessDenied, public.Description)
	}
	if public.Code == oauth.TemporarilyUnavailable {
		public.RetryAfter = providerRetry
	}
	return public.WithCause(err)
}

// Account returns the signed-in user, or an error with the code session_expired.
func (f *Flow) Account(ctx context.Context, session secret.Text) (storage.AccountSession, storage.User, error) {
	found, user, err := f.deps.Store.AccountSession(ctx, session.Hash(), f.deps.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return found, user, oauth.NewError(oauth.SessionExpired, "Please sign in again.").WithCause(err)
	}
	if err != nil {
		return found, user, oauth.Unavailable(err)
	}
	return found, user, nil
}

// EndAccount signs the user out.
func (f *Flow) EndAccount(ctx context.Context, session secret.Text) error {
	if err := f.deps.Store.DeleteAccountSession(ctx, session.Hash()); err != nil {
		return oauth.Unavailable(err)
	}
	return nil
}
