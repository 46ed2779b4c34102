package storagetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func grantChecks() []check {
	return []check{
		{"a grant comes alone, with what a token is held against, and with what people are shown", func(t *testing.T, s *scene) {
			client := s.client()
			completion := s.newCompletion(s.claimed(client.ID), "alice")
			s.must(s.CompleteTransaction(t.Context(), completion))
			grant := s.newGrant(completion.Code)
			s.must(s.RedeemCode(t.Context(), completion.Code.Hash, s.now, grant))
			completion.Credential.Version = 1
			s.stands(grant)
			same(t, s.evidence(grant.ID), storage.Evidence{
				Grant: grant, User: completion.User, Confirmation: completion.Credential.Confirmation(),
			})
			same(t, s.detail(grant.ID), storage.GrantDetail{
				Grant: grant, User: completion.User, ClientName: client.Name, ClientOrigin: client.Origin,
			})
		}},
		{"a grant of a client without a row has neither name nor origin of a client", func(t *testing.T, s *scene) {
			grant := s.grant("https://client.example/metadata.json", "alice")
			detail := s.detail(grant.ID)
			same(t, detail.ClientName, "")
			same(t, detail.ClientOrigin, "")
			same(t, detail.Grant, grant)
		}},
		{"a grant says that an operator registered its client", func(t *testing.T, s *scene) {
			client := s.newClient()
			client.Origin = storage.OriginOperator
			s.create(client)
			same(t, s.detail(s.grant(client.ID, "alice").ID).ClientOrigin, storage.OriginOperator)
		}},
		{"an unknown grant is not found", func(t *testing.T, s *scene) {
			_, err := s.Grant(t.Context(), "nothing")
			s.want(storage.ErrNotFound, err)
			_, err = s.Evidence(t.Context(), "nothing")
			s.want(storage.ErrNotFound, err)
		}},
		{"a list has the grants that the filter selects", selectsGrants},
		{"a list leaves out what has ended unless it is asked for", func(t *testing.T, s *scene) {
			ended, live := s.grant("client", "alice"), s.grant("client", "alice")
			filter := storage.GrantFilter{ID: ended.ID, Now: s.now}
			_, err := s.RevokeGrants(t.Context(), filter, storage.RevokedByOperator)
			s.must(err)
			same(t, s.listed(storage.GrantFilter{Now: s.now}), []string{live.ID})
			same(t, s.listed(storage.GrantFilter{Now: live.ExpireTime.Add(-time.Microsecond)}), []string{live.ID})
			same(t, s.listed(storage.GrantFilter{Now: live.ExpireTime}), nil)
			same(t, len(s.listed(storage.GrantFilter{Now: live.ExpireTime, IncludeEnded: true})), 2)
		}},
	}
}

// detail returns a grant in any state with what people are shown beside it.
func (s *scene) detail(grantID string) storage.GrantDetail {
	s.t.Helper()
	filter := storage.GrantFilter{ID: grantID, IncludeEnded: true, Now: s.now}
	found, err := s.ListGrants(s.t.Context(), filter, storage.Page{Limit: 2})
	s.must(err)
	if len(found) != 1 {
		s.t.Fatalf("%d grants are listed for one id", len(found))
	}
	return found[0]
}

// evidence returns what a token of a grant is held against.
func (s *scene) evidence(grantID string) storage.Evidence {
	s.t.Helper()
	evidence, err := s.Evidence(s.t.Context(), grantID)
	s.must(err)
	return evidence
}

// listed returns the sorted ids of a list.
func (s *scene) listed(filter storage.GrantFilter) []string {
	s.t.Helper()
	grants, err := s.ListGrants(s.t.Context(), filter, storage.Page{Limit: 100})
	s.must(err)
	var ids []string
	for _, detail := range grants {
		ids = append(ids, detail.Grant.ID)
	}
	slices.Sort(ids)
	return ids
}

// family is two grants each of two clients and two users.
type family struct{ aliceOne, aliceTwo, bobOne, bobTwo storage.Grant }

func (s *scene) family() family {
	return family{
		aliceOne: s.grant("one", "alice"), aliceTwo: s.grant("two", "alice"),
		bobOne: s.grant("one", "bob"), bobTwo: s.grant("two", "bob"),
	}
}

// selections are filters and what they select of a family.
func (f family) selections(now time.Time) []struct {
	filter storage.GrantFilter
	want   []string
} {
	return []struct {
		filter storage.GrantFilter
		want   []string
	}{
		{storage.GrantFilter{ID: f.bobOne.ID, Now: now}, []string{f.bobOne.ID}},
		{storage.GrantFilter{ClientID: "one", Now: now}, []string{f.aliceOne.ID, f.bobOne.ID}},
		{storage.GrantFilter{UserID: f.bobOne.UserID, Now: now}, []string{f.bobOne.ID, f.bobTwo.ID}},
		{storage.GrantFilter{CredentialID: f.bobOne.CredentialID, Now: now}, []string{f.bobOne.ID, f.bobTwo.ID}},
		{storage.GrantFilter{ClientID: "two", UserID: f.bobTwo.UserID, Now: now}, []string{f.bobTwo.ID}},
		{storage.GrantFilter{ClientID: "one", CredentialID: f.aliceOne.CredentialID, Now: now}, []string{f.aliceOne.ID}},
		{storage.GrantFilter{UserID: f.aliceOne.UserID, CredentialID: f.bobOne.CredentialID, Now: now}, nil},
		{storage.GrantFilter{ID: f.aliceTwo.ID, ClientID: "two", UserID: f.aliceTwo.UserID, Now: now}, []string{f.aliceTwo.ID}},
		{storage.GrantFilter{ID: f.aliceOne.ID, ClientID: "two", Now: now}, nil},
		{storage.GrantFilter{ID: f.aliceOne.ID, UserID: f.bobOne.UserID, Now: now}, nil},
		{storage.GrantFilter{ClientID: "%", Now: now}, nil},
		{storage.GrantFilter{UserID: "' OR '1'='1", Now: now}, nil},
		{storage.GrantFilter{CredentialID: "credential", Now: now}, nil},
	}
}

func selectsGrants(t *testing.T, s *scene) {
	f := s.family()
	for _, c := range f.selections(s.now) {
		slices.Sort(c.want)
		same(t, s.listed(c.filter), c.want)
	}
	same(t, len(s.listed(storage.GrantFilter{Now: s.now})), 4)
}

func revocationChecks() []check {
	return []check{
		{"a revocation ends the grants that the filter selects and no others", func(t *testing.T, s *scene) {
			f := s.family()
			live := s.listed(storage.GrantFilter{Now: s.now})
			for _, c := range f.selections(s.now) {
				expected := slices.DeleteFunc(slices.Clone(c.want), func(id string) bool { return !slices.Contains(live, id) })
				ids, err := s.RevokeGrants(t.Context(), c.filter, storage.RevokedByOperator)
				s.must(err)
				slices.Sort(ids)
				slices.Sort(expected)
				same(t, slices.Equal(ids, expected), true)
				live = slices.DeleteFunc(live, func(id string) bool { return slices.Contains(ids, id) })
				same(t, slices.Equal(s.listed(storage.GrantFilter{Now: s.now}), live), true)
			}
		}},
		{"a revocation is recorded with its first time and reason", func(t *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			filter := storage.GrantFilter{ID: grant.ID, Now: s.now.Add(time.Minute)}
			ids, err := s.RevokeGrants(t.Context(), filter, storage.RevokedByCodeReplay)
			s.must(err)
			same(t, ids, []string{grant.ID})
			filter.Now = s.now.Add(time.Hour)
			ids, err = s.RevokeGrants(t.Context(), filter, storage.RevokedByOperator)
			s.must(err)
			same(t, len(ids), 0)
			grant.RevokeTime, grant.RevokeReason = s.now.Add(time.Minute), storage.RevokedByCodeReplay
			s.stands(grant)
			same(t, s.evidence(grant.ID).Grant, grant)
		}},
		{"a revocation in steps ends as many as each step may, and in the end all", func(t *testing.T, s *scene) {
			all, other := make([]string, 5), s.grant("other", "alice")
			for i := range all {
				all[i] = s.grant("client", fmt.Sprint("user", i)).ID
			}
			var ended []string
			for _, want := range []int{2, 2, 1, 0} {
				filter := storage.GrantFilter{ClientID: "client", AtMost: 2, Now: s.now}
				ids, err := s.RevokeGrants(t.Context(), filter, storage.RevokedByOperator)
				s.must(err)
				same(t, len(ids), want)
				ended = append(ended, ids...)
			}
			slices.Sort(all)
			slices.Sort(ended)
			same(t, ended, all)
			same(t, s.listed(storage.GrantFilter{Now: s.now}), []string{other.ID})
		}},
		{"what has expired is not revoked, even if ended ones are included", func(t *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			filter := storage.GrantFilter{ClientID: "client", IncludeEnded: true, Now: grant.ExpireTime}
			ids, err := s.RevokeGrants(t.Context(), filter, storage.RevokedByOperator)
			s.must(err)
			same(t, len(ids), 0)
		}},
		{"an empty filter revokes nothing", func(t *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			ids, err := s.RevokeGrants(t.Context(), storage.GrantFilter{Now: s.now}, storage.RevokedByOperator)
			s.must(err)
			same(t, len(ids), 0)
			same(t, s.listed(storage.GrantFilter{Now: s.now}), []string{grant.ID})
		}},
		{"of racing revocations one reports the grant", func(t *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			reports := make([][]string, racers)
			for _, err := range race(racers, func(i int) (err error) {
				filter := storage.GrantFilter{ID: grant.ID, Now: s.now}
				reports[i], err = s.RevokeGrants(t.Context(), filter, storage.RevokedByOperator)
				return err
			}) {
				s.must(err)
			}
			same(t, slices.Concat(reports...), []string{grant.ID})
		}},
	}
}
