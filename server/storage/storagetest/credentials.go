package storagetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// disused stores a credential whose only grant has been revoked.
func (s *scene) disused(user string) storage.Credential {
	s.t.Helper()
	grant := s.grant("client", user)
	_, err := s.RevokeGrants(s.t.Context(), storage.GrantFilter{ID: grant.ID, Now: s.now}, storage.RevokedByUser)
	s.must(err)
	return s.credential(grant.CredentialID)
}

// unused returns the ids of credentials that nobody needs.
func (s *scene) unused(now time.Time) []string {
	s.t.Helper()
	credentials, err := s.UnusedCredentials(s.t.Context(), now, 100)
	s.must(err)
	var ids []string
	for _, credential := range credentials {
		same(s.t, credential, s.credential(credential.ID))
		ids = append(ids, credential.ID)
	}
	return ids
}

// needed checks that a credential can not be deleted.
func (s *scene) needed(credential storage.Credential, now time.Time) {
	s.t.Helper()
	same(s.t, s.unused(now), nil)
	s.want(storage.ErrConflict, second(s.DeleteCredential(s.t.Context(), credential.ID, credential.Version, now)))
	same(s.t, s.credential(credential.ID), credential)
	used, err := s.CredentialsInUse(s.t.Context(), credential.Provider, credential.UserID, now)
	s.must(err)
	same(s.t, used, []storage.Credential{credential})
}

// dispensable checks that a credential is offered for deletion, and deletes it.
func (s *scene) dispensable(credential storage.Credential, now time.Time) {
	s.t.Helper()
	ctx := s.t.Context()
	same(s.t, s.unused(now), []string{credential.ID})
	used, err := s.CredentialsInUse(ctx, credential.Provider, credential.UserID, now)
	s.must(err)
	same(s.t, len(used), 0)
	deleted, err := s.DeleteCredential(ctx, credential.ID, credential.Version, now)
	s.must(err)
	same(s.t, deleted, credential)
	_, err = s.Credential(ctx, credential.ID)
	s.want(storage.ErrNotFound, err)
	s.want(storage.ErrNotFound, second(s.DeleteCredential(ctx, credential.ID, credential.Version, now)))
	same(s.t, s.unused(now), nil)
}

func credentialChecks() []check {
	return []check{
		{"an unknown credential is not found", func(t *testing.T, s *scene) {
			_, err := s.Credential(t.Context(), "nothing")
			s.want(storage.ErrNotFound, err)
			s.want(storage.ErrNotFound, second(s.DeleteCredential(t.Context(), "nothing", 1, s.now)))
		}},
		{"a confirmation moves the time of its version and nothing else", func(t *testing.T, s *scene) {
			other, lease := s.lent("bob"), s.lease(s.lent("alice"))
			credential := s.credential(lease.Credential.ID)
			s.now = s.now.Add(time.Minute)
			for _, confirmed := range []storage.Confirmation{
				{CredentialID: credential.ID, Version: credential.Version + 1, UpdateTime: s.now},
				{CredentialID: "nothing", Version: 1, UpdateTime: s.now},
			} {
				s.must(s.RecordConfirmation(t.Context(), confirmed))
				same(t, s.credential(credential.ID), credential)
			}
			credential.UpdateTime = s.now
			s.must(s.RecordConfirmation(t.Context(), credential.Confirmation()))
			same(t, s.credential(credential.ID), credential)
			same(t, s.credential(other.ID), other)
			s.must(s.FinishRenewal(t.Context(), s.renewed(lease), lease.Fence))
		}},
		{"a provider's session has its credentials and no others", findsSession},
		{"the credentials in use are those of one user at one provider", listsInUse},
		{"a live code needs its credential", func(_ *testing.T, s *scene) {
			code := s.code("client", "alice")
			credential := s.credential(code.CredentialID)
			s.needed(credential, code.ExpireTime.Add(-time.Microsecond))
			s.dispensable(credential, code.ExpireTime)
		}},
		{"a burned code needs nothing", func(t *testing.T, s *scene) {
			code := s.code("client", "alice")
			s.must(s.BurnCode(t.Context(), code.Hash, s.now))
			s.dispensable(s.credential(code.CredentialID), s.now)
		}},
		{"a live grant needs its credential", func(_ *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			credential := s.credential(grant.CredentialID)
			s.needed(credential, grant.ExpireTime.Add(-time.Microsecond))
			s.dispensable(credential, grant.ExpireTime)
		}},
		{"one live grant of several is enough", func(_ *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			s.needed(s.disused("alice"), s.now)
			s.dispensable(s.credential(grant.CredentialID), grant.ExpireTime)
		}},
		{"a renewal under way needs its credential", func(_ *testing.T, s *scene) {
			lease := s.lease(s.disused("alice"))
			s.needed(lease.Credential, lease.Credential.LeaseTime.Add(-time.Microsecond))
			s.dispensable(lease.Credential, lease.Credential.LeaseTime)
		}},
		{"a credential that was replaced is not deleted as the old one", func(t *testing.T, s *scene) {
			old := s.disused("alice")
			lease := s.lease(old)
			s.must(s.FinishRenewal(t.Context(), s.renewed(lease), lease.Fence))
			s.want(storage.ErrConflict, second(s.DeleteCredential(t.Context(), old.ID, old.Version, s.now)))
			s.dispensable(s.credential(old.ID), s.now)
		}},
		{"unused credentials come oldest first and no more than asked for", func(t *testing.T, s *scene) {
			start := s.now
			for i, user := range []string{"carol", "alice", "bob", "dave"} {
				s.now = start.Add(time.Duration(i/2) * time.Second)
				s.disused(user)
			}
			same(t, s.unused(s.now), []string{"credential-alice", "credential-carol", "credential-bob", "credential-dave"})
			some, err := s.UnusedCredentials(t.Context(), s.now, 3)
			s.must(err)
			same(t, len(some), 3)
			same(t, some[2].ID, "credential-bob")
		}},
		{"a grant and a code outlive their credential", func(t *testing.T, s *scene) {
			code := s.code("client", "alice")
			grant := s.newGrant(code)
			s.must(s.RedeemCode(t.Context(), code.Hash, s.now, grant))
			credential, err := s.Credential(t.Context(), grant.CredentialID)
			s.must(err)
			before := s.evidence(grant.ID)
			s.now = grant.ExpireTime
			s.dispensable(credential, s.now)
			before.Confirmation = storage.Confirmation{}
			same(t, s.evidence(grant.ID), before)
			s.stands(grant)
			s.want(storage.ErrUsed, s.BurnCode(t.Context(), code.Hash, s.now))
			same(t, s.login("alice").Version, 1)
		}},
		{"of racing deletions one gets the credential", func(t *testing.T, s *scene) {
			for range 20 {
				old := s.disused("alice")
				oneWins(t, race(racers, func(int) error {
					return second(s.DeleteCredential(t.Context(), old.ID, old.Version, s.now))
				}), storage.ErrNotFound)
			}
		}},
		{"a deletion that races with a login never takes what the login needs", func(t *testing.T, s *scene) {
			for range 20 {
				old := s.disused("alice")
				completion := s.newCompletion(s.claimed("client"), "alice")
				for i, err := range race(racers, func(i int) error {
					if i == racers/2 {
						return s.CompleteTransaction(t.Context(), completion)
					}
					return second(s.DeleteCredential(t.Context(), old.ID, old.Version, s.now))
				}) {
					if i == racers/2 || !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrNotFound) {
						s.must(err)
					}
				}
				s.credential(old.ID)
				grant := s.newGrant(completion.Code)
				s.must(s.RedeemCode(t.Context(), completion.Code.Hash, s.now, grant))
				s.revoke(grant)
			}
		}},
	}
}

func listsInUse(t *testing.T, s *scene) {
	start := func(user, provider, id string) storage.Credential {
		completion := s.newCompletion(s.claimed("client"), user)
		completion.Credential.ID, completion.Credential.Provider = id, provider
		completion.Code.CredentialID = id
		s.must(s.CompleteTransaction(t.Context(), completion))
		return s.credential(id)
	}
	second, first := start("alice", "keycloak", "second"), start("alice", "keycloak", "first")
	start("alice", "elsewhere", "third")
	start("bob", "keycloak", "fourth")
	used, err := s.CredentialsInUse(t.Context(), "keycloak", "user-alice", s.now)
	s.must(err)
	slices.SortFunc(used, func(a, b storage.Credential) int { return strings.Compare(a.ID, b.ID) })
	same(t, used, []storage.Credential{first, second})
}

func findsSession(t *testing.T, s *scene) {
	start := func(user, provider, session string) storage.Credential {
		completion := s.newCompletion(s.claimed("client"), user)
		completion.Credential.Provider, completion.Credential.SessionID = provider, session
		s.must(s.CompleteTransaction(t.Context(), completion))
		return s.credential(completion.Credential.ID)
	}
	bob, alice := start("bob", "keycloak", "session"), start("alice", "keycloak", "session")
	start("carol", "keycloak", "another")
	start("dave", "elsewhere", "session")
	start("erin", "keycloak", "")
	for _, c := range []struct {
		provider, session string
		want              []storage.Credential
	}{
		{"keycloak", "session", []storage.Credential{alice, bob}},
		{"keycloak", "unknown", nil},
		{"keycloak", "sess%", nil},
		{"keycloak", "", nil},
		{"", "session", nil},
	} {
		found, err := s.CredentialsBySession(t.Context(), c.provider, c.session)
		s.must(err)
		same(t, found, c.want)
	}
	start("alice", "keycloak", "later") // a new login is a new session
	found, err := s.CredentialsBySession(t.Context(), "keycloak", "session")
	s.must(err)
	same(t, found, []storage.Credential{bob})
}
