package authorization

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// Consent is what the consent page shows.
type Consent struct {
	Client       storage.Client
	RedirectURI  oauth.RedirectURI
	Resource     oauth.Resource
	Transaction  storage.Transaction
	ProviderName string
}

// Consent returns what the page of a pending or approved transaction shows. It changes nothing.
func (f *Flow) Consent(ctx context.Context, handle secret.Text) (Consent, error) {
	txn, err := f.deps.Store.TransactionByHandle(ctx, handle.Hash(), f.deps.Now())
	if err != nil {
		return Consent{}, translate(err)
	}
	if txn.Status != storage.StatusPending && txn.Status != storage.StatusApproved {
		return Consent{}, translate(storage.ErrUsed)
	}
	client, uri, err := f.party(ctx, txn)
	if err != nil {
		return Consent{}, err
	}
	resource, ok := f.config.Resources.Find(txn.Resource)
	if !ok {
		return Consent{}, translate(storage.ErrNotFound) // the configuration changed meanwhile
	}
	return Consent{
		Client:       client,
		RedirectURI:  uri,
		Resource:     resource,
		Transaction:  txn,
		ProviderName: f.deps.Provider.DisplayName(),
	}, nil
}

// Decision says where the browser goes: to the provider, or to the client with Redirect.
type Decision struct {
	UpstreamURL   string
	State         secret.Text
	BrowserSecret secret.Text
	Transaction   storage.Transaction
	ProviderName  string
	Redirect      *Redirect
}

// Deny ends a pending transaction and tells the client.
func (f *Flow) Deny(ctx context.Context, handle secret.Text) (Decision, error) {
	txn, err := f.deps.Store.DenyTransaction(ctx, handle.Hash(), f.deps.Now())
	if err != nil {
		return Decision{}, translate(err)
	}
	client, uri, err := f.party(ctx, txn)
	if err != nil {
		return Decision{}, err
	}
	redirect := f.fail(targetOf(client, uri, txn.ClientState, txn.HasState),
		oauth.NewError(oauth.AccessDenied, "The user refused."))
	return Decision{Transaction: txn, Redirect: &redirect}, nil
}

// Allow binds a transaction to the approving browser. pageSecret is the secret of the consent page's cookie: a second
// POST from the same browser (a double click) gets the answer of the first, one from another browser is refused.
func (f *Flow) Allow(ctx context.Context, handle, pageSecret secret.Text) (Decision, error) {
	consent, err := f.Consent(ctx, handle)
	if err != nil {
		return Decision{}, err
	}
	leg := f.newLeg()
	// Asked before the transaction moves: while the provider is down the page can be submitted again.
	if _, err := f.upstreamURL(ctx, leg); err != nil {
		return Decision{}, err
	}
	sealed, err := f.sealLeg(leg, consent.Transaction.ID)
	if err != nil {
		return Decision{}, err
	}
	txn, err := f.deps.Store.ApproveTransaction(ctx, storage.Approval{
		HandleHash:  handle.Hash(),
		PageHash:    pageSecret.Hash(),
		StateHash:   leg.state.Hash(),
		BrowserHash: leg.browser.Hash(),
		Sealed:      sealed,
	}, f.deps.Now(), f.config.MaxLive)
	if err != nil {
		return Decision{}, translate(err)
	}
	if leg, err = f.openLeg(txn); err != nil { // the first approval's, when this one repeats it
		return Decision{}, err
	}
	url, err := f.upstreamURL(ctx, leg)
	if err != nil {
		return Decision{}, err
	}
	return Decision{
		UpstreamURL:   url,
		State:         leg.state,
		BrowserSecret: leg.browser,
		Transaction:   txn,
		ProviderName:  f.deps.Provider.DisplayName(),
	}, nil
}

// party returns the client of a transaction and its redirect URI, both proven again: the client may have been deleted
// or the policy may have changed while the user was elsewhere.
func (f *Flow) party(ctx context.Context, txn storage.Transaction) (storage.Client, oauth.RedirectURI, error) {
	client, err := f.deps.Clients.Client(ctx, txn.ClientID)
	if err != nil {
		return storage.Client{}, oauth.RedirectURI{}, err
	}
	uri, err := f.deps.Clients.RedirectURI(client, &txn.RedirectURI)
	return client, uri, err
}

// leg is the secret half of the way through the provider.
type leg struct {
	state    secret.Text
	browser  secret.Text
	verifier secret.Text
	nonce    secret.Text
}

// sealedLeg is the encoding of a leg inside the sealed column.
type sealedLeg struct {
	State, Browser, Verifier, Nonce string
}

func (f *Flow) newLeg() leg {
	return leg{
		state:    f.deps.Random.Text(""),
		browser:  f.deps.Random.Text(""),
		verifier: f.deps.Random.Text(""), // 43 characters, the shortest that RFC 7636 section 4.1 allows
		nonce:    f.deps.Random.Text(""),
	}
}

func legPlace(transactionID string) seal.Place {
	return seal.Place{Table: "transactions", Column: "sealed", Row: transactionID}
}

func (f *Flow) sealLeg(l leg, transactionID string) ([]byte, error) {
	plaintext, err := json.Marshal(sealedLeg{
		State:    l.state.Reveal(),
		Browser:  l.browser.Reveal(),
		Verifier: l.verifier.Reveal(),
		Nonce:    l.nonce.Reveal(),
	})
	if err != nil {
		return nil, fmt.Errorf("authorization: %w", err)
	}
	return f.deps.Sealer.Seal(plaintext, legPlace(transactionID)), nil
}

func (f *Flow) openLeg(txn storage.Transaction) (leg, error) {
	plaintext, err := f.deps.Sealer.Open(txn.Sealed, legPlace(txn.ID))
	if err != nil {
		return leg{}, fmt.Errorf("authorization: transaction %s: %w", txn.ID, err)
	}
	var opened sealedLeg
	if err := json.Unmarshal(plaintext, &opened); err != nil {
		return leg{}, fmt.Errorf("authorization: transaction %s: %w", txn.ID, err)
	}
	return leg{
		state:    secret.NewText(opened.State),
		browser:  secret.NewText(opened.Browser),
		verifier: secret.NewText(opened.Verifier),
		nonce:    secret.NewText(opened.Nonce),
	}, nil
}

func (f *Flow) upstreamURL(ctx context.Context, l leg) (string, error) {
	url, err := f.deps.Provider.AuthorizationURL(ctx, upstream.AuthorizationRequest{
		State:    l.state,
		Nonce:    l.nonce,
		Verifier: l.verifier,
	})
	if err != nil {
		outage := &oauth.Error{
			Code:        oauth.TemporarilyUnavailable,
			Description: "The identity provider cannot be reached. Try again in a moment.",
			RetryAfter:  providerRetry,
		}
		return "", outage.WithCause(err)
	}
	return url, nil
}
