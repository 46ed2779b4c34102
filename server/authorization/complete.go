package authorization

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/token"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

const (
	// providerRetry is how soon a user may try again while the provider is down.
	providerRetry = 5 * time.Second
	// finishTimeout bounds the work after the claim, which goes on when the browser leaves.
	finishTimeout = 20 * time.Second
)

// Answer is what the provider sent back through the browser.
type Answer struct {
	State         secret.Text
	BrowserSecret secret.Text
	Code          secret.Text
	Error         string
	Issuer        string
}

// Completed says where the browser goes: to the client with Redirect, or to the account page with Account.
type Completed struct {
	Redirect *Redirect
	Account  *AccountSession
}

// Complete takes the provider's answer. The claim decides first, on every branch, whether this is the browser that
// approved; only then is the provider called, once.
func (f *Flow) Complete(ctx context.Context, answer Answer) (Completed, error) {
	txn, err := f.deps.Store.ClaimTransaction(ctx, answer.State.Hash(), answer.BrowserSecret.Hash(), f.deps.Now())
	if err != nil {
		return Completed{}, refusedClaim(txn.Status, err)
	}
	// The provider's code is spent by now: finish although the browser may be gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	if txn.ClientID == "" {
		session, err := f.completeAccount(ctx, txn, answer)
		return Completed{Account: &session}, err
	}
	redirect, err := f.completeClient(ctx, txn, answer)
	return Completed{Redirect: &redirect}, err
}

// completeClient sends the browser back to the client, with a code or an error.
func (f *Flow) completeClient(ctx context.Context, txn storage.Transaction, answer Answer) (Redirect, error) {
	client, uri, err := f.party(ctx, txn)
	if err != nil {
		return Redirect{}, f.abandon(ctx, txn, err)
	}
	to := targetOf(client, uri, txn.ClientState, txn.HasState)
	code, err := f.finish(ctx, txn, answer)
	if err == nil {
		return f.succeed(to, code), nil
	}
	if upstream.KindOf(err) == upstream.KindInvalidToken {
		return Redirect{}, untrusted(err)
	}
	f.deps.Logger.WarnContext(ctx, "login failed at the provider", "transaction", txn.ID, "error", err)
	return f.fail(to, publicError(err)), nil
}

// finish turns the provider's answer into a code. A failure closes the transaction, and what the provider gave goes back
// to it. Only a transaction that was closed as failed makes that safe: of one whose completion has an unknown outcome the
// tokens may be stored, where all grants of the user rest on them.
func (f *Flow) finish(ctx context.Context, txn storage.Transaction, answer Answer) (secret.Text, error) {
	login, err := f.login(ctx, txn, answer)
	if err != nil {
		return secret.Text{}, f.abandon(ctx, txn, err)
	}
	code, err := f.issue(ctx, txn, login)
	if err == nil {
		return code, nil
	}
	if f.closed(ctx, txn) {
		f.giveBack(ctx, txn, login)
	}
	return secret.Text{}, err
}

// giveBack returns the tokens of a login that is not stored. Nothing depends on its success: they end by themselves.
func (f *Flow) giveBack(ctx context.Context, txn storage.Transaction, login upstream.Login) {
	now := f.deps.Now()
	record, err := f.deps.Vault.Record(user(txn.Provider, login.Identity, now), login, now)
	if err == nil {
		err = f.deps.Returner.Return(ctx, record)
	}
	if err != nil {
		f.deps.Logger.WarnContext(ctx, "tokens of an unfinished login were not given back", "transaction", txn.ID, "error", err)
	}
}

// untrusted ends a login whose provider sent tokens that fail verification: on a page, since the client is no party to it.
func untrusted(err error) error {
	return oauth.NewError(oauth.UntrustedProvider, "The identity provider's answer could not be trusted.").WithCause(err)
}

// login exchanges the provider's code.
func (f *Flow) login(ctx context.Context, txn storage.Transaction, answer Answer) (upstream.Login, error) {
	if answer.Error != "" {
		return upstream.Login{}, providerRefusal(answer.Error)
	}
	if answer.Code.IsEmpty() {
		return upstream.Login{}, oauth.NewError(oauth.ServerError, "The identity provider sent no code.")
	}
	leg, err := f.openLeg(txn)
	if err != nil {
		return upstream.Login{}, err
	}
	return f.deps.Provider.Exchange(ctx, upstream.ExchangeRequest{
		Code:     answer.Code,
		Verifier: leg.verifier,
		Nonce:    leg.nonce,
		Issuer:   answer.Issuer,
	})
}

// issue stores user, credential and code in one step.
func (f *Flow) issue(ctx context.Context, txn storage.Transaction, login upstream.Login) (secret.Text, error) {
	now := f.deps.Now()
	user := user(txn.Provider, login.Identity, now)
	credential, err := f.deps.Vault.Record(user, login, now)
	if err != nil {
		return secret.Text{}, err
	}
	code := f.deps.Random.Text(token.PrefixCode)
	err = f.deps.Store.CompleteTransaction(ctx, storage.Completion{
		TransactionID: txn.ID,
		User:          user,
		Credential:    credential,
		Code: storage.Code{
			Hash:          code.Hash(),
			GrantID:       f.deps.Random.ID(),
			ClientID:      txn.ClientID,
			RedirectURI:   txn.RedirectURI,
			RedirectGiven: txn.RedirectGiven,
			Challenge:     txn.Challenge,
			Resource:      txn.Resource,
			Scopes:        txn.Scopes,
			UserID:        user.ID,
			CredentialID:  credential.ID,
			CreateTime:    now,
			ExpireTime:    now.Add(f.config.CodeTTL),
		},
	})
	if err != nil {
		return secret.Text{}, translate(err)
	}
	return code, nil
}

// abandon closes a claimed transaction. Its own failure changes nothing: the row expires.
func (f *Flow) abandon(ctx context.Context, txn storage.Transaction, cause error) error {
	f.closed(ctx, txn)
	return cause
}

// closed moves a claimed transaction to failed, and reports whether it can not be completed any more.
func (f *Flow) closed(ctx context.Context, txn storage.Transaction) bool {
	err := f.deps.Store.FailTransaction(ctx, txn.ID)
	if err != nil {
		f.deps.Logger.WarnContext(ctx, "transaction could not be closed", "transaction", txn.ID, "error", err)
	}
	return err == nil
}

// refusedClaim says to a user who comes to the callback again what became of the login. One that is still claimed was cut
// short, or is under way in another window.
func refusedClaim(status storage.TransactionStatus, err error) error {
	if errors.Is(err, storage.ErrUsed) && (status == storage.StatusClaimed || status == storage.StatusFailed) {
		return oauth.NewError(oauth.TransactionFailed, "This login was not finished, or is under way elsewhere. Start again from your app.").WithCause(err)
	}
	return translate(err)
}

// providerRefusal maps an error of the provider's authorization endpoint. Its text goes no further than the log.
func providerRefusal(code string) *oauth.Error {
	switch {
	case code == "access_denied" || strings.HasSuffix(code, "_required"):
		return oauth.NewError(oauth.AccessDenied, "The login was refused at the identity provider.")
	case slices.Contains([]string{"temporarily_unavailable", "server_error"}, code):
		return oauth.NewError(oauth.TemporarilyUnavailable, "The identity provider could not answer. Try again.")
	}
	return oauth.NewError(oauth.ServerError, "The identity provider refused this server's request.")
}

// publicError says to a client what a failure behind the callback means (reference: the provider's answer is never
// passed on).
func publicError(err error) *oauth.Error {
	if public, ok := errors.AsType[*oauth.Error](err); ok {
		return public
	}
	switch upstream.KindOf(err) {
	case upstream.KindInvalidGrant:
		return oauth.NewError(oauth.AccessDenied, "The identity provider did not accept the login. Try again.")
	case upstream.KindMisconfigured, upstream.KindUnavailable:
		return oauth.NewError(oauth.TemporarilyUnavailable, "The identity provider could not answer. Try again.")
	default:
		return oauth.NewError(oauth.ServerError, "The identity provider's answer was not understood.")
	}
}
