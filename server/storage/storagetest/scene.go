package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// noLimit is a bound that no check reaches.
const noLimit = 1 << 20

// scene is a store with a clock that stands still and ways to bring rows into a state.
type scene struct {
	storage.Store
	t   testing.TB
	now time.Time

	mu    sync.Mutex
	count int
}

func newScene(t testing.TB, store storage.Store) *scene {
	return &scene{Store: store, t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)}
}

// name returns a string that no row of the scene has yet.
func (s *scene) name(kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	return fmt.Sprintf("%s-%04d", kind, s.count)
}

// hash returns a digest that no row of the scene has yet.
func (s *scene) hash() secret.Hash { return hashOf(s.name("secret")) }

func hashOf(text string) secret.Hash { return secret.NewText(text).Hash() }

// newClient returns a public dynamic client that is not stored.
func (s *scene) newClient() storage.Client {
	return storage.Client{
		ID:           s.name("client"),
		Origin:       storage.OriginDynamic,
		Name:         "Inspector",
		AuthMethod:   "none",
		RedirectURIs: []string{"http://127.0.0.1/callback"},
		GrantTypes:   []string{"authorization_code", "refresh_token"},
		Scopes:       []string{"mcp"},
		CreateTime:   s.now,
	}
}

func (s *scene) client() storage.Client {
	s.t.Helper()
	client := s.newClient()
	s.create(client)
	return client
}

func (s *scene) create(client storage.Client) {
	s.t.Helper()
	s.must(s.CreateClient(s.t.Context(), client, noLimit))
}

// newTransaction returns a pending transaction that is not stored.
func (s *scene) newTransaction(clientID string) storage.Transaction {
	return storage.Transaction{
		ID:            s.name("txn"),
		HandleHash:    s.hash(),
		Status:        storage.StatusPending,
		ClientID:      clientID,
		RedirectURI:   "http://127.0.0.1:4711/callback",
		RedirectGiven: true,
		ClientState:   "client state",
		HasState:      true,
		Challenge:     "challenge",
		Resource:      "https://mcp.example/mcp",
		Scopes:        []string{"mcp", "profile"},
		Provider:      "keycloak",
		CreateTime:    s.now,
		ExpireTime:    s.now.Add(10 * time.Minute),
	}
}

func (s *scene) pending(clientID string) storage.Transaction {
	s.t.Helper()
	txn := s.newTransaction(clientID)
	s.must(s.CreateTransaction(s.t.Context(), txn, noLimit))
	return txn
}

// newApproval returns what a consenting browser brings.
func (s *scene) newApproval(txn storage.Transaction) storage.Approval {
	return storage.Approval{
		HandleHash:  txn.HandleHash,
		PageHash:    s.hash(),
		StateHash:   s.hash(),
		BrowserHash: s.hash(),
		Sealed:      []byte("sealed upstream state"),
	}
}

func (s *scene) approved(clientID string) storage.Transaction {
	s.t.Helper()
	txn, err := s.ApproveTransaction(s.t.Context(), s.newApproval(s.pending(clientID)), s.now, noLimit)
	s.must(err)
	return txn
}

func (s *scene) claimed(clientID string) storage.Transaction {
	s.t.Helper()
	txn := s.approved(clientID)
	txn, err := s.ClaimTransaction(s.t.Context(), *txn.StateHash, *txn.BrowserHash, s.now)
	s.must(err)
	return txn
}

// newCompletion returns what ends a transaction for a user who is known by name.
func (s *scene) newCompletion(txn storage.Transaction, user string) storage.Completion {
	return storage.Completion{
		TransactionID: txn.ID,
		User: storage.User{
			ID: "user-" + user, Provider: "keycloak", Issuer: "https://idp.example", Subject: "subject-" + user,
			Name: user, Email: user + "@example.com", EmailVerified: true, UpdateTime: s.now,
		},
		Credential: storage.Credential{
			ID: "credential-" + user, UserID: "user-" + user, Provider: "keycloak", Scopes: "openid",
			Sealed: []byte("sealed tokens of " + user), UpdateTime: s.now,
		},
		Code: storage.Code{
			Hash:          s.hash(),
			GrantID:       s.name("grant"),
			ClientID:      txn.ClientID,
			RedirectURI:   txn.RedirectURI,
			RedirectGiven: txn.RedirectGiven,
			Challenge:     txn.Challenge,
			Resource:      txn.Resource,
			Scopes:        txn.Scopes,
			UserID:        "user-" + user,
			CredentialID:  "credential-" + user,
			CreateTime:    s.now,
			ExpireTime:    s.now.Add(time.Minute),
		},
	}
}

func (s *scene) code(clientID, user string) storage.Code {
	s.t.Helper()
	completion := s.newCompletion(s.claimed(clientID), user)
	s.must(s.CompleteTransaction(s.t.Context(), completion))
	return completion.Code
}

// newGrant returns what a code turns into: a grant at the beginning of its line of refresh tokens.
func (s *scene) newGrant(code storage.Code) storage.Grant {
	return storage.Grant{
		ID:           code.GrantID,
		ClientID:     code.ClientID,
		UserID:       code.UserID,
		CredentialID: code.CredentialID,
		Resource:     code.Resource,
		Scopes:       code.Scopes,
		CreateTime:   s.now,
		LastUsedTime: s.now,
		ExpireTime:   s.now.Add(90 * 24 * time.Hour),
		Refresh:      &storage.Refresh{Generation: 1, Hash: s.hash(), ExpireTime: s.now.Add(30 * 24 * time.Hour)},
	}
}

// redeem exchanges a code as the token endpoint would.
func (s *scene) redeem(code storage.Code) error {
	return s.RedeemCode(s.t.Context(), code.Hash, s.now, s.newGrant(code))
}

func (s *scene) grant(clientID, user string) storage.Grant {
	s.t.Helper()
	code := s.code(clientID, user)
	grant := s.newGrant(code)
	s.must(s.RedeemCode(s.t.Context(), code.Hash, s.now, grant))
	return grant
}

// status reads the state of a transaction.
func (s *scene) status(txn storage.Transaction) storage.TransactionStatus {
	s.t.Helper()
	stored, err := s.TransactionByHandle(s.t.Context(), txn.HandleHash, s.now)
	s.must(err)
	return stored.Status
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("unexpected error: %v", err)
	}
}

// want checks that err is the verdict, and not an outage on top of it.
func (s *scene) want(verdict, err error) {
	s.t.Helper()
	switch {
	case !errors.Is(err, verdict):
		s.t.Errorf("error is %v, want %v", err, verdict)
	case !errors.Is(verdict, storage.ErrUnavailable) && errors.Is(err, storage.ErrUnavailable):
		s.t.Errorf("verdict %v is reported as an outage: %v", verdict, err)
	}
}

// same compares a record with what was stored.
func same[T any](t testing.TB, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stored and read differ (-want +got):\n%s", diff)
	}
}
