package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const leaseTTL = 30 * time.Second

// credential reads what a provider gave.
func (s *scene) credential(id string) storage.Credential {
	s.t.Helper()
	credential, err := s.Credential(s.t.Context(), id)
	s.must(err)
	return credential
}

// lent stores a credential of a user and returns it.
func (s *scene) lent(user string) storage.Credential {
	s.t.Helper()
	return s.credential(s.grant("client", user).CredentialID)
}

func (s *scene) begin(credential storage.Credential) (storage.Lease, error) {
	return s.BeginRenewal(s.t.Context(), credential.ID, credential.Version, s.now, s.now.Add(leaseTTL))
}

// lease takes the right to renew a credential.
func (s *scene) lease(credential storage.Credential) storage.Lease {
	s.t.Helper()
	lease, err := s.begin(credential)
	s.must(err)
	return lease
}

// renewed returns what a provider gives for a credential under a lease.
func (s *scene) renewed(lease storage.Lease) storage.Credential {
	renewed := lease.Credential
	renewed.Sealed = []byte(s.name("sealed"))
	renewed.AccessExpireTime, renewed.RefreshExpireTime = s.now.Add(time.Hour), s.now.Add(24*time.Hour)
	renewed.HasRefreshToken = true
	renewed.SessionID = s.name("session")
	renewed.UpdateTime = s.now
	return renewed
}

func leaseChecks() []check {
	return []check{
		{"a lease is written into the credential before anything is sent", func(t *testing.T, s *scene) {
			credential := s.lent("alice")
			lease := s.lease(credential)
			credential.Attempts, credential.LeaseTime = 1, s.now.Add(leaseTTL)
			same(t, lease.Credential, credential)
			same(t, s.credential(credential.ID), credential)
		}},
		{"a renewal replaces the tokens, raises the version and ends the lease", func(t *testing.T, s *scene) {
			other := s.lent("bob")
			lease := s.lease(s.lent("alice"))
			s.now = s.now.Add(time.Second)
			renewed := s.renewed(lease)
			s.must(s.FinishRenewal(t.Context(), renewed, lease.Fence))
			renewed.Version, renewed.Attempts, renewed.LeaseTime = 2, 0, time.Time{}
			same(t, s.credential(renewed.ID), renewed)
			same(t, s.credential(other.ID), other)
			same(t, s.lease(renewed).Credential.Attempts, 1)
		}},
		{"a renewal touches nothing but the tokens", func(t *testing.T, s *scene) {
			lease := s.lease(s.lent("alice"))
			renewed := s.renewed(lease)
			renewed.UserID, renewed.Provider, renewed.Scopes = "user-mallory", "elsewhere", "admin"
			renewed.Version, renewed.Attempts = 40, 50
			s.must(s.FinishRenewal(t.Context(), renewed, lease.Fence))
			stored := s.credential(renewed.ID)
			same(t, stored.UserID, lease.Credential.UserID)
			same(t, stored.Provider, lease.Credential.Provider)
			same(t, stored.Scopes, lease.Credential.Scopes)
			same(t, stored.Version, 2)
			same(t, stored.Attempts, 0)
		}},
		{"a lease excludes others until its time is over", func(t *testing.T, s *scene) {
			credential := s.lent("alice")
			first := s.lease(credential)
			s.now = first.Credential.LeaseTime.Add(-time.Microsecond)
			_, err := s.begin(credential)
			s.want(storage.ErrConflict, err)
			s.now = first.Credential.LeaseTime
			second := s.lease(credential)
			same(t, second.Credential.Attempts, 2)
			same(t, second.Fence > first.Fence, true)
			s.void(first)
			s.must(s.FinishRenewal(t.Context(), s.renewed(second), second.Fence))
		}},
		{"a lease whose time is over stands as long as nobody takes over", func(t *testing.T, s *scene) {
			lease := s.lease(s.lent("alice"))
			s.now = lease.Credential.LeaseTime.Add(time.Hour)
			s.must(s.FinishRenewal(t.Context(), s.renewed(lease), lease.Fence))
		}},
		{"an abandoned attempt counts", func(t *testing.T, s *scene) {
			credential := s.lent("alice")
			for range 3 {
				lease := s.lease(credential)
				s.must(s.AbandonRenewal(t.Context(), credential.ID, lease.Fence))
				credential.Attempts++
				same(t, s.credential(credential.ID), credential)
				s.void(lease)
			}
		}},
		{"no lease on another version, nor on a credential that is gone", func(t *testing.T, s *scene) {
			credential := s.lent("alice")
			for _, version := range []int64{0, credential.Version + 1} {
				_, err := s.BeginRenewal(t.Context(), credential.ID, version, s.now, s.now.Add(leaseTTL))
				s.want(storage.ErrConflict, err)
			}
			_, err := s.BeginRenewal(t.Context(), "nothing", 1, s.now, s.now.Add(leaseTTL))
			s.want(storage.ErrConflict, err)
			same(t, s.credential(credential.ID), credential)
		}},
		{"of racing renewals one gets the lease", func(t *testing.T, s *scene) {
			for range 20 {
				credential := s.lent("alice")
				oneWins(t, race(racers, func(int) error { return second(s.begin(credential)) }), storage.ErrConflict)
				same(t, s.credential(credential.ID).Attempts, 1)
			}
		}},
	}
}
