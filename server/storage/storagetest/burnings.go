package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// inFlight is a code each of two clients and two users.
type inFlight struct{ aliceOne, aliceTwo, bobOne, bobTwo storage.Code }

func (s *scene) inFlight() inFlight {
	return inFlight{
		aliceOne: s.code("one", "alice"), aliceTwo: s.code("two", "alice"),
		bobOne: s.code("one", "bob"), bobTwo: s.code("two", "bob"),
	}
}

func (f inFlight) all() []storage.Code {
	return []storage.Code{f.aliceOne, f.aliceTwo, f.bobOne, f.bobTwo}
}

// burned says that a code became nothing, and will not.
func (s *scene) burned(code storage.Code, when time.Time) {
	s.t.Helper()
	stored, err := s.Code(s.t.Context(), code.Hash)
	s.must(err)
	code.UseTime = when
	same(s.t, stored, code)
	s.want(storage.ErrUsed, s.redeem(code))
	_, err = s.Grant(s.t.Context(), code.GrantID)
	s.want(storage.ErrNotFound, err)
}

func burningChecks() []check {
	return []check{
		{"a revocation burns the codes that the filter covers and no others", burnsCovered},
		{"a revocation by id burns no code of the same client and user", func(t *testing.T, s *scene) {
			grant, code := s.grant("client", "alice"), s.code("client", "alice")
			_, err := s.RevokeGrants(t.Context(), storage.GrantFilter{ID: grant.ID, UserID: grant.UserID, Now: s.now}, "")
			s.must(err)
			s.must(s.redeem(code))
		}},
		{"a revocation leaves codes alone that are over", func(t *testing.T, s *scene) {
			expired, redeemed := s.code("client", "alice"), s.code("client", "alice")
			s.must(s.redeem(redeemed))
			start := s.now
			s.now = expired.ExpireTime
			_, err := s.RevokeGrants(t.Context(), storage.GrantFilter{ClientID: "client", Now: s.now}, "")
			s.must(err)
			s.want(storage.ErrExpired, s.redeem(expired))
			stored, err := s.Code(t.Context(), redeemed.Hash)
			s.must(err)
			same(t, stored.UseTime, start)
		}},
		{"a burned code needs no credential", func(t *testing.T, s *scene) {
			code := s.code("client", "alice")
			_, err := s.RevokeGrants(t.Context(), storage.GrantFilter{UserID: code.UserID, Now: s.now}, "")
			s.must(err)
			s.dispensable(s.credential(code.CredentialID), s.now)
		}},
		{"a revocation of what was created until a time leaves what came later", revokesUntil},
		{"the end of a credential burns its codes", func(t *testing.T, s *scene) {
			mine, other := s.code("client", "alice"), s.code("client", "bob")
			lease := s.lease(s.credential(mine.CredentialID))
			now := s.now.Add(time.Second)
			_, err := s.EndCredential(t.Context(), lease.Credential.ID, lease.Fence, now, storage.RevokedByUpstream)
			s.must(err)
			s.burned(mine, now)
			s.must(s.redeem(other))
		}},
		{"the end of a credential that was replaced burns nothing", func(t *testing.T, s *scene) {
			lease := s.lease(s.lent("alice"))
			code := s.code("client", "alice") // a login, which replaces the credential
			_, err := s.EndCredential(t.Context(), lease.Credential.ID, lease.Fence, s.now, storage.RevokedByUpstream)
			s.want(storage.ErrConflict, err)
			s.must(s.redeem(code))
		}},
		{"of a code that is redeemed during a revocation nothing is left", func(t *testing.T, s *scene) {
			for range 20 {
				codes := s.inFlight().all()
				for i, err := range race(racers, func(i int) error {
					if i%8 == 7 {
						filter := storage.GrantFilter{UserID: codes[i/8].UserID, Now: s.now}
						return second(s.RevokeGrants(t.Context(), filter, storage.RevokedByUser))
					}
					return s.redeem(codes[i%4])
				}) {
					if i%8 == 7 {
						s.must(err)
					}
				}
				same(t, s.listed(storage.GrantFilter{Now: s.now}), nil)
			}
		}},
	}
}

func burnsCovered(t *testing.T, s *scene) {
	start := s.now
	for _, c := range []struct {
		filter func(inFlight) storage.GrantFilter
		want   func(inFlight) []storage.Code
	}{
		{
			func(inFlight) storage.GrantFilter { return storage.GrantFilter{ClientID: "one"} },
			func(f inFlight) []storage.Code { return []storage.Code{f.aliceOne, f.bobOne} },
		},
		{
			func(f inFlight) storage.GrantFilter { return storage.GrantFilter{UserID: f.bobOne.UserID} },
			func(f inFlight) []storage.Code { return []storage.Code{f.bobOne, f.bobTwo} },
		},
		{
			func(f inFlight) storage.GrantFilter { return storage.GrantFilter{CredentialID: f.bobOne.CredentialID} },
			func(f inFlight) []storage.Code { return []storage.Code{f.bobOne, f.bobTwo} },
		},
		{
			func(f inFlight) storage.GrantFilter {
				return storage.GrantFilter{ClientID: "two", UserID: f.aliceTwo.UserID}
			},
			func(f inFlight) []storage.Code { return []storage.Code{f.aliceTwo} },
		},
		{
			func(f inFlight) storage.GrantFilter {
				return storage.GrantFilter{ClientID: "%", UserID: f.aliceOne.UserID}
			},
			func(inFlight) []storage.Code { return nil },
		},
		{
			func(inFlight) storage.GrantFilter { return storage.GrantFilter{} },
			func(inFlight) []storage.Code { return nil },
		},
	} {
		s.now = start
		codes := s.inFlight()
		filter := c.filter(codes)
		filter.Now = s.now.Add(time.Second)
		ids, err := s.RevokeGrants(t.Context(), filter, storage.RevokedByUser)
		s.must(err)
		same(t, len(ids), 0)
		s.now = filter.Now
		for _, code := range codes.all() {
			if slices.ContainsFunc(c.want(codes), func(want storage.Code) bool { return want.Hash.Equal(code.Hash) }) {
				s.burned(code, filter.Now)
			} else {
				s.must(s.redeem(code))
			}
		}
		_, err = s.RevokeGrants(t.Context(), storage.GrantFilter{ClientID: "one", Now: s.now}, "")
		s.must(err)
		_, err = s.RevokeGrants(t.Context(), storage.GrantFilter{ClientID: "two", Now: s.now}, "")
		s.must(err)
	}
}

func revokesUntil(t *testing.T, s *scene) {
	grant, code := s.grant("client", "alice"), s.code("client", "alice")
	until := s.now
	s.now = s.now.Add(time.Microsecond)
	laterGrant, laterCode := s.grant("client", "alice"), s.code("client", "alice")
	filter := storage.GrantFilter{UserID: grant.UserID, CreatedUntil: until, Now: s.now}
	same(t, s.listed(filter), []string{grant.ID})
	ids, err := s.RevokeGrants(t.Context(), filter, storage.RevokedByLogout)
	s.must(err)
	same(t, ids, []string{grant.ID})
	s.burned(code, s.now)
	s.stands(laterGrant)
	s.must(s.redeem(laterCode))

	filter = storage.GrantFilter{CreatedUntil: s.now, Now: s.now}
	ids, err = s.RevokeGrants(t.Context(), filter, storage.RevokedByLogout)
	s.must(err)
	same(t, len(ids), 0)
}
