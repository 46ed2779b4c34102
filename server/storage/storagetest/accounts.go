package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// newLogin returns a login at the server itself that is not stored: approved, and for no client.
func (s *scene) newLogin() storage.Transaction {
	txn := s.newTransaction("")
	state, browser := s.hash(), s.hash()
	txn.Status, txn.StateHash, txn.BrowserHash = storage.StatusApproved, &state, &browser
	txn.Sealed = []byte("sealed upstream state")
	return txn
}

// loggingIn returns a login whose user is back from the provider.
func (s *scene) loggingIn() storage.Transaction {
	s.t.Helper()
	login := s.newLogin()
	s.must(s.CreateTransaction(s.t.Context(), login, noLimit))
	claimed, err := s.ClaimTransaction(s.t.Context(), *login.StateHash, *login.BrowserHash, s.now)
	s.must(err)
	return claimed
}

// newSession returns a sign-in of a user that is not stored.
func (s *scene) newSession(user string) (storage.AccountSession, storage.User) {
	person := s.newCompletion(storage.Transaction{}, user).User
	return storage.AccountSession{
		Hash: s.hash(), UserID: person.ID, CreateTime: s.now, ExpireTime: s.now.Add(time.Hour),
	}, person
}

// session signs a user in.
func (s *scene) session(user string) storage.AccountSession {
	s.t.Helper()
	session, person := s.newSession(user)
	s.must(s.CompleteAccountLogin(s.t.Context(), s.loggingIn().ID, person, session))
	return session
}

func loginChecks() []check {
	return []check{
		{"a login at the server itself is approved from the start", func(t *testing.T, s *scene) {
			login := s.newLogin()
			s.must(s.CreateTransaction(t.Context(), login, noLimit))
			stored, err := s.TransactionByHandle(t.Context(), login.HandleHash, s.now)
			s.must(err)
			same(t, stored, login)
			claimed, err := s.ClaimTransaction(t.Context(), *login.StateHash, *login.BrowserHash, s.now)
			s.must(err)
			login.Status = storage.StatusClaimed
			same(t, claimed, login)
		}},
		{"a login burns in another browser", func(t *testing.T, s *scene) {
			login := s.newLogin()
			s.must(s.CreateTransaction(t.Context(), login, noLimit))
			_, err := s.ClaimTransaction(t.Context(), *login.StateHash, s.hash(), s.now)
			s.want(storage.ErrWrongBrowser, err)
			same(t, s.status(login), storage.StatusBurned)
		}},
		{"a login cannot be approved or denied", func(t *testing.T, s *scene) {
			login := s.newLogin()
			s.must(s.CreateTransaction(t.Context(), login, noLimit))
			_, err := s.ApproveTransaction(t.Context(), s.newApproval(login), s.now, noLimit)
			s.want(storage.ErrUsed, err)
			_, err = s.DenyTransaction(t.Context(), login.HandleHash, s.now)
			s.want(storage.ErrUsed, err)
		}},
		{"nobody is approved on behalf of a client", func(t *testing.T, s *scene) {
			txn := s.newLogin()
			txn.ClientID = "client"
			s.must(s.CreateTransaction(t.Context(), txn, noLimit))
			same(t, s.status(txn), storage.StatusPending)
		}},
		{"a taken state is refused", func(t *testing.T, s *scene) {
			first, other := s.newLogin(), s.newLogin()
			other.StateHash = first.StateHash
			s.must(s.CreateTransaction(t.Context(), first, noLimit))
			s.want(storage.ErrExists, s.CreateTransaction(t.Context(), other, noLimit))
		}},
	}
}

func sessionChecks() []check {
	return []check{
		{"a login ends in a session with its user", func(t *testing.T, s *scene) {
			login := s.loggingIn()
			session, user := s.newSession("alice")
			s.must(s.CompleteAccountLogin(t.Context(), login.ID, user, session))
			same(t, s.status(login), storage.StatusCompleted)
			stored, person, err := s.AccountSession(t.Context(), session.Hash, s.now)
			s.must(err)
			same(t, stored, session)
			same(t, person, user)
		}},
		{"a session replaces what is for display, and touches no credential", func(t *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			before := s.evidence(grant.ID)
			session, user := s.newSession("alice")
			user.Name, user.Groups = "Alice Liddell", []string{"cats"}
			s.must(s.CompleteAccountLogin(t.Context(), s.loggingIn().ID, user, session))
			before.User = user
			same(t, s.evidence(grant.ID), before)
		}},
		{"a session is over at its expire time", func(t *testing.T, s *scene) {
			session := s.session("alice")
			_, _, err := s.AccountSession(t.Context(), session.Hash, session.ExpireTime.Add(-time.Microsecond))
			s.must(err)
			leaked, person, err := s.AccountSession(t.Context(), session.Hash, session.ExpireTime)
			s.want(storage.ErrNotFound, err)
			same(t, leaked, storage.AccountSession{})
			same(t, person, storage.User{})
		}},
		{"a deleted session is gone, and others stay", func(t *testing.T, s *scene) {
			session, other := s.session("alice"), s.session("alice")
			s.must(s.DeleteAccountSession(t.Context(), session.Hash))
			s.must(s.DeleteAccountSession(t.Context(), session.Hash))
			_, _, err := s.AccountSession(t.Context(), session.Hash, s.now)
			s.want(storage.ErrNotFound, err)
			_, _, err = s.AccountSession(t.Context(), other.Hash, s.now)
			s.must(err)
		}},
		{"the sessions of a user are deleted up to a time", func(t *testing.T, s *scene) {
			early, other := s.session("alice"), s.session("bob")
			until := s.now
			s.now = s.now.Add(time.Microsecond)
			late := s.session("alice")
			deleted, err := s.DeleteAccountSessionsOfUser(t.Context(), early.UserID, until)
			s.must(err)
			same(t, deleted, 1)
			s.signedIn(other, late)
			s.signedOut(early)
			for _, user := range []string{"", "nobody", "%"} {
				deleted, err := s.DeleteAccountSessionsOfUser(t.Context(), user, s.now)
				s.must(err)
				same(t, deleted, 0)
			}
		}},
		{"the sessions that came from a provider's session are deleted", deletesOfProvider},
		{"only a claimed transaction becomes a session", func(t *testing.T, s *scene) {
			session, user := s.newSession("alice")
			login := s.newLogin()
			s.want(storage.ErrNotFound, s.CompleteAccountLogin(t.Context(), login.ID, user, session))
			s.must(s.CreateTransaction(t.Context(), login, noLimit))
			s.want(storage.ErrUsed, s.CompleteAccountLogin(t.Context(), login.ID, user, session))
			_, _, err := s.AccountSession(t.Context(), session.Hash, s.now)
			s.want(storage.ErrNotFound, err)
		}},
		{"a login that fails half way leaves nothing", func(t *testing.T, s *scene) {
			taken, login := s.session("alice"), s.loggingIn()
			session, user := s.newSession("bob")
			session.Hash = taken.Hash
			s.want(storage.ErrExists, s.CompleteAccountLogin(t.Context(), login.ID, user, session))
			same(t, s.status(login), storage.StatusClaimed)
			stored, person, err := s.AccountSession(t.Context(), taken.Hash, s.now)
			s.must(err)
			same(t, stored, taken)
			same(t, person.Name, "alice")
		}},
		{"of racing completions of a login one wins", func(t *testing.T, s *scene) {
			login := s.loggingIn()
			oneWins(t, race(racers, func(int) error {
				session, user := s.newSession("alice")
				return s.CompleteAccountLogin(t.Context(), login.ID, user, session)
			}), storage.ErrUsed)
		}},
	}
}

func (s *scene) signedIn(sessions ...storage.AccountSession) {
	s.t.Helper()
	for _, session := range sessions {
		stored, _, err := s.AccountSession(s.t.Context(), session.Hash, s.now)
		s.must(err)
		same(s.t, stored, session)
	}
}

func (s *scene) signedOut(sessions ...storage.AccountSession) {
	s.t.Helper()
	for _, session := range sessions {
		_, _, err := s.AccountSession(s.t.Context(), session.Hash, s.now)
		s.want(storage.ErrNotFound, err)
	}
}

func deletesOfProvider(t *testing.T, s *scene) {
	start := func(user, provider, sessionID string) storage.AccountSession {
		session, person := s.newSession(user)
		person.Provider, session.SessionID = provider, sessionID
		s.must(s.CompleteAccountLogin(t.Context(), s.loggingIn().ID, person, session))
		return session
	}
	aliceOne, aliceTwo := start("alice", "keycloak", "one"), start("alice", "keycloak", "two")
	bobOne, carolOne := start("bob", "keycloak", "one"), start("carol", "elsewhere", "one")
	nameless := start("dave", "keycloak", "")
	remove := func(provider, sessionID, userID string, want int) {
		t.Helper()
		deleted, err := s.DeleteAccountSessionsOfProvider(t.Context(), provider, sessionID, userID)
		s.must(err)
		same(t, deleted, want)
	}
	remove("keycloak", "", "", 0)
	remove("keycloak", "o%", "", 0)
	remove("", "one", "", 0)
	remove("keycloak", "one", carolOne.UserID, 0)
	s.signedIn(aliceOne, aliceTwo, bobOne, carolOne, nameless)
	remove("keycloak", "one", aliceOne.UserID, 1)
	s.signedOut(aliceOne)
	s.signedIn(aliceTwo, bobOne, carolOne, nameless)
	remove("keycloak", "one", "", 1)
	s.signedOut(bobOne)
	s.signedIn(aliceTwo, carolOne, nameless)
}
