package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// void checks that a lease is good for nothing any more.
func (s *scene) void(lease storage.Lease) {
	s.t.Helper()
	ctx, id := s.t.Context(), lease.Credential.ID
	before, revocations := s.credential(id), s.revocations()
	s.want(storage.ErrConflict, s.FinishRenewal(ctx, s.renewed(lease), lease.Fence))
	s.want(storage.ErrConflict, s.AbandonRenewal(ctx, id, lease.Fence))
	ids, err := s.EndCredential(ctx, id, lease.Fence, s.now, storage.RevokedByUpstream)
	s.want(storage.ErrConflict, err)
	same(s.t, len(ids), 0)
	same(s.t, s.credential(id), before)
	same(s.t, s.revocations(), revocations)
}

// login brings a user through the provider anew, which replaces the credential.
func (s *scene) login(user string) storage.Credential {
	s.t.Helper()
	completion := s.newCompletion(s.claimed("client"), user)
	s.must(s.CompleteTransaction(s.t.Context(), completion))
	return s.credential(completion.Credential.ID)
}

func fencingChecks() []check {
	return []check{
		{"a finished lease is void", func(_ *testing.T, s *scene) {
			lease := s.lease(s.lent("alice"))
			s.must(s.FinishRenewal(s.t.Context(), s.renewed(lease), lease.Fence))
			s.void(lease)
		}},
		{"a login voids the lease, and its tokens are as good as new", func(t *testing.T, s *scene) {
			lease := s.lease(s.lent("alice"))
			replaced := s.login("alice")
			same(t, replaced.Version, 2)
			same(t, replaced.Attempts, 0)
			same(t, replaced.LeaseTime, time.Time{})
			s.void(lease)
			next := s.lease(replaced)
			s.void(lease)
			s.must(s.FinishRenewal(t.Context(), s.renewed(next), next.Fence))
		}},
		{"a lease on a deleted credential is void for the one that follows it", func(t *testing.T, s *scene) {
			old := s.lease(s.disused("alice"))
			s.now = old.Credential.LeaseTime
			s.must(second(s.DeleteCredential(t.Context(), old.Credential.ID, old.Credential.Version, s.now)))
			s.want(storage.ErrConflict, s.FinishRenewal(t.Context(), s.renewed(old), old.Fence))
			next := s.lease(s.login("alice"))
			same(t, next.Credential.Version, old.Credential.Version)
			s.void(old)
			s.must(s.FinishRenewal(t.Context(), s.renewed(next), next.Fence))
		}},
		{"an ended credential takes its live grants along and no others", func(t *testing.T, s *scene) {
			f := s.family()
			gone := s.grant("one", "alice")
			filter := storage.GrantFilter{ID: gone.ID, Now: s.now}
			_, err := s.RevokeGrants(t.Context(), filter, storage.RevokedByUser)
			s.must(err)
			lease := s.lease(s.credential(f.aliceOne.CredentialID))
			s.now = s.now.Add(time.Second)
			ids, err := s.EndCredential(t.Context(), lease.Credential.ID, lease.Fence, s.now, storage.RevokedByUpstream)
			s.must(err)
			slices.Sort(ids)
			same(t, ids, []string{f.aliceOne.ID, f.aliceTwo.ID})
			same(t, s.listed(storage.GrantFilter{Now: s.now}), []string{f.bobOne.ID, f.bobTwo.ID})
			f.aliceOne.RevokeTime, f.aliceOne.RevokeReason = s.now, storage.RevokedByUpstream
			s.stands(f.aliceOne)
			same(t, s.credential(lease.Credential.ID).LeaseTime, time.Time{})
			s.void(lease)
		}},
		{"of racing holders one finishes", func(t *testing.T, s *scene) {
			for range 20 {
				lease := s.lease(s.lent("alice"))
				oneWins(t, race(racers, func(i int) error {
					switch i % 3 {
					case 0:
						return s.FinishRenewal(t.Context(), s.renewed(lease), lease.Fence)
					case 1:
						return s.AbandonRenewal(t.Context(), lease.Credential.ID, lease.Fence)
					default:
						return second(s.EndCredential(
							t.Context(), lease.Credential.ID, lease.Fence, s.now, storage.RevokedByUpstream))
					}
				}), storage.ErrConflict)
				s.void(lease)
			}
		}},
		{"a login that races with an end keeps its code, whichever comes first", func(t *testing.T, s *scene) {
			for range 20 {
				lease := s.lease(s.lent("alice"))
				completion := s.newCompletion(s.claimed("client"), "alice")
				answers := race(2, func(i int) error {
					if i == 0 {
						return s.CompleteTransaction(t.Context(), completion)
					}
					return second(s.EndCredential(
						t.Context(), lease.Credential.ID, lease.Fence, s.now, storage.RevokedByUpstream))
				})
				s.must(answers[0])
				if answers[1] != nil {
					s.want(storage.ErrConflict, answers[1])
				}
				s.must(s.redeem(completion.Code))
			}
		}},
	}
}
