package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// discardCredentials deletes every credential that is unused at a time.
func (s *scene) discardCredentials(now time.Time) {
	s.t.Helper()
	unused, err := s.UnusedCredentials(s.t.Context(), now, noLimit)
	s.must(err)
	for _, credential := range unused {
		s.must(second(s.DeleteCredential(s.t.Context(), credential.ID, credential.Version, now)))
	}
}

func leftoverChecks() []check {
	return []check{
		{"a revocation goes after its time, the oldest first", func(t *testing.T, s *scene) {
			s.revoke(s.grant("client", "alice"))
			end := s.now.Add(keep.Revocation)
			s.now = s.now.Add(time.Second)
			s.revoke(s.grant("client", "alice"))
			policy := storage.SweepPolicy{Revocation: keep.Revocation, EndedGrant: noLimit * time.Hour, Limit: 1}
			policy.EndedTransaction = policy.EndedGrant
			all := s.revocations()
			s.sweep(end.Add(-time.Microsecond), policy, storage.SweepResult{})
			s.sweep(end.Add(time.Hour), policy, storage.SweepResult{Revocations: 1})
			same(t, s.revocations(), all[1:])
			s.bounds(all[1].Sequence, all[1].Sequence)
			s.sweep(end.Add(time.Hour), policy, storage.SweepResult{Revocations: 1})
		}},
		{"a session goes at its expire time, and its user with it", func(t *testing.T, s *scene) {
			session := s.session("alice")
			s.discardAuthorizations()
			s.sweep(session.ExpireTime.Add(-time.Microsecond), keep, storage.SweepResult{})
			s.sweep(session.ExpireTime, keep, storage.SweepResult{AccountSessions: 1, Users: 1})
			_, _, err := s.AccountSession(t.Context(), session.Hash, s.now)
			s.want(storage.ErrNotFound, err)
		}},
		{"a user stays while something refers to it", func(_ *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			session := s.session("alice")
			s.discardAuthorizations()
			s.sweep(session.ExpireTime, keep, storage.SweepResult{AccountSessions: 1})
			end := grant.ExpireTime.Add(keep.EndedGrant)
			s.sweep(end, keep, storage.SweepResult{Grants: 1})
			s.sweep(end, keep, storage.SweepResult{}) // the credential is still there
			s.discardCredentials(end)
			s.sweep(end, keep, storage.SweepResult{Users: 1})
		}},
		{"a sweep takes no credential, used or not", func(t *testing.T, s *scene) {
			credential := s.disused("alice")
			_, err := s.Sweep(t.Context(), s.now.AddDate(10, 0, 0), storage.SweepPolicy{Limit: 100})
			s.must(err)
			same(t, s.credential(credential.ID), credential)
		}},
	}
}
