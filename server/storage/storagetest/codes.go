package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func completionChecks() []check {
	return []check{
		{"a completion stores the code", func(t *testing.T, s *scene) {
			completion := s.newCompletion(s.claimed("client"), "alice")
			s.must(s.CompleteTransaction(t.Context(), completion))
			stored, err := s.Code(t.Context(), completion.Code.Hash)
			s.must(err)
			same(t, stored, completion.Code)
		}},
		{"an unknown code is not found", func(t *testing.T, s *scene) {
			_, err := s.Code(t.Context(), s.hash())
			s.want(storage.ErrNotFound, err)
		}},
		{"a claim may be completed after the transaction's end", func(t *testing.T, s *scene) {
			txn := s.newTransaction("client")
			txn.ExpireTime = s.now.Add(time.Microsecond)
			s.must(s.CreateTransaction(t.Context(), txn, noLimit))
			txn, err := s.ApproveTransaction(t.Context(), s.newApproval(txn), s.now, noLimit)
			s.must(err)
			txn, err = s.ClaimTransaction(t.Context(), *txn.StateHash, *txn.BrowserHash, s.now)
			s.must(err)
			s.now = s.now.Add(time.Second)
			s.must(s.CompleteTransaction(t.Context(), s.newCompletion(txn, "alice")))
		}},
		{"a second login replaces what is for display and the credential, and raises its version", replacesIdentity},
		{"a completion that fails half way leaves nothing", func(t *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			before := s.evidence(grant.ID)
			taken := s.code("client", "bob")

			txn := s.claimed("client")
			completion := s.newCompletion(txn, "alice")
			completion.User.Name = "Changed"
			completion.Code.Hash = taken.Hash // the last thing to be stored
			s.want(storage.ErrExists, s.CompleteTransaction(t.Context(), completion))

			same(t, s.status(txn), storage.StatusClaimed)
			same(t, s.evidence(grant.ID), before)
			stored, err := s.Code(t.Context(), taken.Hash)
			s.must(err)
			same(t, stored, taken)
		}},
		{"of racing completions one wins", func(t *testing.T, s *scene) {
			txn := s.claimed("client")
			oneWins(t, race(racers, func(int) error {
				return s.CompleteTransaction(t.Context(), s.newCompletion(txn, "alice"))
			}), storage.ErrUsed)
		}},
	}
}

func replacesIdentity(t *testing.T, s *scene) {
	grant := s.grant("client", "alice")
	first := s.evidence(grant.ID)
	same(t, first.Confirmation.Version, 1)

	completion := s.newCompletion(s.claimed("client"), "alice")
	completion.User = storage.User{
		ID: first.User.ID, Provider: first.User.Provider, Issuer: first.User.Issuer, Subject: first.User.Subject,
		Name: "Alice Liddell", GivenName: "Alice", FamilyName: "Liddell", Email: "new@example.com",
		PreferredUsername: "al", Groups: []string{"staff", "cats"}, UpdateTime: s.now.Add(time.Hour),
	}
	completion.Credential.Sealed = []byte("renewed")
	completion.Credential.AccessExpireTime = s.now.Add(time.Hour)
	completion.Credential.RefreshExpireTime = s.now.Add(2 * time.Hour)
	completion.Credential.HasRefreshToken = true
	completion.Credential.UpdateTime = s.now.Add(time.Hour)
	s.must(s.CompleteTransaction(t.Context(), completion))

	completion.Credential.Version = 2
	same(t, s.evidence(grant.ID), storage.Evidence{
		Grant: grant, User: completion.User, Confirmation: completion.Credential.Confirmation(),
	})
	stored, err := s.Credential(t.Context(), grant.CredentialID)
	s.must(err)
	same(t, stored, completion.Credential)
}

func redemptionChecks() []check {
	return []check{
		{"a redemption turns a code into a grant", func(t *testing.T, s *scene) {
			client := s.client()
			code := s.code(client.ID, "alice")
			grant := s.newGrant(code)
			s.must(s.RedeemCode(t.Context(), code.Hash, s.now, grant))
			s.stands(grant)
			stored, err := s.Code(t.Context(), code.Hash)
			s.must(err)
			code.UseTime = s.now
			same(t, stored, code)
		}},
		{"a grant need not refresh", func(t *testing.T, s *scene) {
			code := s.code("client", "alice")
			grant := s.newGrant(code)
			grant.Refresh = nil
			s.must(s.RedeemCode(t.Context(), code.Hash, s.now, grant))
			s.stands(grant)
		}},
		{"an unknown code is refused", func(t *testing.T, s *scene) {
			s.want(storage.ErrNotFound, s.redeem(storage.Code{Hash: s.hash()}))
			s.want(storage.ErrNotFound, s.BurnCode(t.Context(), s.hash(), s.now))
		}},
		{"a code is redeemed once, and later says that it was used rather than that it expired", func(t *testing.T, s *scene) {
			code := s.code("client", "alice")
			s.must(s.redeem(code))
			s.want(storage.ErrUsed, s.redeem(code))
			s.now = code.ExpireTime.Add(time.Hour)
			s.want(storage.ErrUsed, s.redeem(code))
		}},
		{"a code is over at its expire time", func(t *testing.T, s *scene) {
			early, late := s.code("client", "alice"), s.code("client", "alice")
			s.now = late.ExpireTime
			s.want(storage.ErrExpired, s.redeem(late))
			_, err := s.Grant(t.Context(), late.GrantID)
			s.want(storage.ErrNotFound, err)
			stored, err := s.Code(t.Context(), late.Hash)
			s.must(err)
			same(t, stored, late)
			s.now = early.ExpireTime.Add(-time.Microsecond)
			s.must(s.redeem(early))
		}},
		{"a redemption that fails half way leaves nothing", failsRedemption},
		{"a burned code is used", func(t *testing.T, s *scene) {
			code := s.code("client", "alice")
			s.must(s.BurnCode(t.Context(), code.Hash, s.now))
			s.want(storage.ErrUsed, s.BurnCode(t.Context(), code.Hash, s.now))
			s.want(storage.ErrUsed, s.redeem(code))
			_, err := s.Grant(t.Context(), code.GrantID)
			s.want(storage.ErrNotFound, err)
			stored, err := s.Code(t.Context(), code.Hash)
			s.must(err)
			same(t, stored.UseTime, s.now)
		}},
		{"an expired code can be burned and a redeemed one cannot", func(t *testing.T, s *scene) {
			expired, redeemed := s.code("client", "alice"), s.code("client", "alice")
			s.must(s.redeem(redeemed))
			s.want(storage.ErrUsed, s.BurnCode(t.Context(), redeemed.Hash, s.now))
			s.must(s.BurnCode(t.Context(), expired.Hash, expired.ExpireTime))
		}},
		{"of racing redemptions one wins", func(t *testing.T, s *scene) {
			for range contested(t) {
				code := s.code("client", "alice")
				oneWins(t, race(racers, func(int) error { return s.redeem(code) }), storage.ErrUsed)
			}
			grants, err := s.ListGrants(t.Context(), storage.GrantFilter{Now: s.now}, storage.Page{Limit: noLimit})
			s.must(err)
			same(t, len(grants), contested(t))
		}},
		{"of racing redemptions and burnings one wins", func(t *testing.T, s *scene) {
			for range 20 {
				code := s.code("client", "alice")
				oneWins(t, race(racers, func(i int) error {
					if i%2 == 0 {
						return s.redeem(code)
					}
					return s.BurnCode(t.Context(), code.Hash, s.now)
				}), storage.ErrUsed)
			}
		}},
	}
}

// failsRedemption makes the second row of a redemption collide.
func failsRedemption(t *testing.T, s *scene) {
	taken := s.grant("client", "alice")
	client := s.client()
	code := s.code(client.ID, "alice")
	grant := s.newGrant(code)
	grant.ID = taken.ID
	s.want(storage.ErrExists, s.RedeemCode(t.Context(), code.Hash, s.now, grant))

	s.stands(taken)
	_, err := s.Grant(t.Context(), code.GrantID)
	s.want(storage.ErrNotFound, err)
	stored, err := s.Code(t.Context(), code.Hash)
	s.must(err)
	same(t, stored, code)
	unused, err := s.Client(t.Context(), client.ID)
	s.must(err)
	same(t, unused.LastUsedTime, time.Time{})
	s.must(s.redeem(code))
}
