package authorization_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/authorization"
	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

const redirectURI = "https://app.example/cb"

// oneClient is a registry with one client.
type oneClient struct {
	err error
}

func (c *oneClient) Client(context.Context, string) (storage.Client, error) {
	return storage.Client{ID: "client", RedirectURIs: []string{redirectURI}, Scopes: []string{"mcp"}}, c.err
}

func (c *oneClient) RedirectURI(storage.Client, *string) (oauth.RedirectURI, error) {
	return oauth.ParseRedirectURI(redirectURI, oauth.PrivateUseSchemes{})
}

// failingStore is a store with outages.
type failingStore struct {
	storage.Store
	complete func() error // in place of the completion; nil completes
	after    error        // the answer to a completion that took place
	fail     error        // of FailTransaction
}

func (s *failingStore) CompleteTransaction(ctx context.Context, completion storage.Completion) error {
	if s.complete != nil {
		return s.complete()
	}
	return errors.Join(s.Store.CompleteTransaction(ctx, completion), s.after)
}

func (s *failingStore) CompleteAccountLogin(context.Context, string, storage.User, storage.AccountSession) error {
	return storage.ErrUnavailable
}

func (s *failingStore) FailTransaction(ctx context.Context, id string) error {
	if s.fail != nil {
		return s.fail
	}
	return s.Store.FailTransaction(ctx, id)
}

// login is a flow before a store that fails when told to.
type login struct {
	*authorization.Flow
	t       *testing.T
	idp     *upstreamtest.FakeIdP
	store   *failingStore
	clients *oneClient
}

func newLogin(t *testing.T) *login {
	t.Helper()
	l := &login{t: t, idp: upstreamtest.New(t), store: &failingStore{}, clients: &oneClient{}}
	l.idp.Configure(func(s *upstreamtest.Settings) { s.OneSession = true })
	provider, err := upstream.NewOIDC(l.idp.Config("https://mcp.example.com/auth/callback"))
	if err != nil {
		t.Fatal(err)
	}
	if l.store.Store, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.store.Close() })
	sealer, err := seal.New(seal.NewKey([seal.KeySize]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	vault := credential.NewVault(sealer)
	l.Flow = authorization.New(authorization.Deps{
		Clients: l.clients, Store: l.store, Provider: provider, Sealer: sealer, Vault: vault,
		Returner: credential.Returner{Store: l.store, Vault: vault, Provider: provider, Now: time.Now},
		Random:   secret.NewSource(nil), Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}, authorization.Config{
		Issuer:         "https://mcp.example.com",
		Resources:      oauth.Resources{{URI: "https://mcp.example.com/mcp", Scopes: oauth.Scopes{"mcp"}}},
		TransactionTTL: 10 * time.Minute, CodeTTL: time.Minute, MaxLive: 100, AccountTTL: time.Hour,
	})
	return l
}

// approved walks a client's login to the callback.
func (l *login) approved() authorization.Answer {
	l.t.Helper()
	uri := redirectURI
	begun, err := l.Begin(l.t.Context(), authorization.Request{
		ClientID: "client", RedirectURI: &uri, ResponseType: "code", CodeChallengeMethod: "S256",
		CodeChallenge: string(oauth.ChallengeOf("a-verifier-of-at-least-forty-three-characters-x")),
	})
	if err != nil || begun.Redirect != nil {
		l.t.Fatalf("begun: %+v, %v", begun.Redirect, err)
	}
	decision, err := l.Allow(l.t.Context(), begun.Handle, secret.NewText("page"))
	if err != nil {
		l.t.Fatal(err)
	}
	return l.answer(decision)
}

func (l *login) answer(decision authorization.Decision) authorization.Answer {
	l.t.Helper()
	location, err := url.Parse(l.idp.Authorize(decision.UpstreamURL, "alice"))
	if err != nil {
		l.t.Fatal(err)
	}
	query := location.Query()
	return authorization.Answer{
		State: decision.State, BrowserSecret: decision.BrowserSecret,
		Code: secret.NewText(query.Get("code")), Issuer: query.Get("iss"),
	}
}

func wantCode(t *testing.T, err error, want oauth.Code) {
	t.Helper()
	if got, ok := errors.AsType[*oauth.Error](err); !ok || got.Code != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func outage() error { return storage.ErrUnavailable }

// An outage after the claim is told as one, and a reload of the callback as what it is: the login was not finished.
func TestOutageDuringALoginIsToldAsOne(t *testing.T) {
	for name, test := range map[string]struct {
		fault    func(*login)
		redirect bool // the client is told
		account  bool
	}{
		"reading the client":                  {fault: func(l *login) { l.clients.err = oauth.Unavailable(storage.ErrUnavailable) }},
		"storing the login":                   {fault: func(l *login) { l.store.complete = outage }, redirect: true},
		"storing the login and then its end":  {fault: func(l *login) { l.store.complete, l.store.fail = outage, storage.ErrUnavailable }, redirect: true},
		"storing a sign-in to the account":    {fault: func(*login) {}, account: true},
		"the provider answers with a failure": {fault: func(l *login) { l.idp.SetFault(upstreamtest.Token, upstreamtest.Status(503)) }, redirect: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLogin(t)
			var answer authorization.Answer
			if test.account {
				decision, err := l.BeginAccount(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				answer = l.answer(decision)
			} else {
				answer = l.approved()
			}
			test.fault(l)
			done, err := l.Complete(t.Context(), answer)
			if test.redirect {
				if err != nil || done.Redirect.Code != oauth.TemporarilyUnavailable {
					t.Errorf("redirect = %+v, %v", done.Redirect, err)
				}
			} else {
				wantCode(t, err, oauth.TemporarilyUnavailable)
			}
			_, err = l.Complete(t.Context(), answer)
			wantCode(t, err, oauth.TransactionFailed)
		})
	}
}

func TestFinishedLoginIsToldAsFinished(t *testing.T) {
	l := newLogin(t)
	answer := l.approved()
	if _, err := l.Complete(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	_, err := l.Complete(t.Context(), answer)
	wantCode(t, err, oauth.TransactionUsed)
}

// What the provider gave for a login that came to nothing goes back, unless that could end something that lives.
func TestTokensOfAnUnfinishedLoginGoBack(t *testing.T) {
	for name, test := range map[string]struct {
		before func(*login)
		fault  func(*failingStore)
		given  int
	}{
		"nothing else lives": {fault: func(s *failingStore) { s.complete = outage }, given: 1},
		"the same session is in use": {
			before: func(l *login) {
				if _, err := l.Complete(l.t.Context(), l.approved()); err != nil {
					l.t.Fatal(err)
				}
			},
			fault: func(s *failingStore) { s.complete = outage },
		},
		"the login may be stored": {fault: func(s *failingStore) { s.complete, s.fail = outage, storage.ErrUnavailable }},
		"the login is stored":     {fault: func(s *failingStore) { s.after = storage.ErrUnavailable }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLogin(t)
			if test.before != nil {
				test.before(l)
			}
			answer := l.approved()
			test.fault(l.store)
			if done, err := l.Complete(t.Context(), answer); err != nil || done.Redirect.Code != oauth.TemporarilyUnavailable {
				t.Fatalf("redirect = %+v, %v", done.Redirect, err)
			}
			if n := l.idp.Requests(upstreamtest.Revocation); n != test.given {
				t.Errorf("given back %d times, want %d", n, test.given)
			}
		})
	}
}
