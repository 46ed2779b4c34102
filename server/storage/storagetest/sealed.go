package storagetest

import (
	"cmp"
	"slices"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// sealedWith returns a sealed value as package seal lays it out: version, key id, and what follows.
func (s *scene) sealedWith(keyID string) []byte {
	return []byte("\x01" + keyID + s.name(" nonce, ciphertext and tag"))
}

// Key ids have eight bytes.
const (
	oldSeal = "\x00\xffold'\"k"
	newSeal = "\x00\xffnew'\"k"
)

// sealAll stores one value in each sealed column.
func (s *scene) sealAll(keyID string) []storage.SealedValue {
	s.t.Helper()
	ctx := s.t.Context()
	approval := s.newApproval(s.pending("client"))
	approval.Sealed = s.sealedWith(keyID)
	_, err := s.ApproveTransaction(ctx, approval, s.now, noLimit)
	s.must(err)
	txn, err := s.ClaimTransaction(ctx, approval.StateHash, approval.BrowserHash, s.now)
	s.must(err)
	completion := s.newCompletion(txn, s.name("user"))
	completion.Credential.Sealed = s.sealedWith(keyID)
	completion.Credential.ID = s.name("credential")
	completion.Code.CredentialID = completion.Credential.ID
	s.must(s.CompleteTransaction(ctx, completion))
	key := s.newKey("ES256")
	key.Sealed = s.sealedWith(keyID)
	s.add(key)
	return []storage.SealedValue{
		{Table: "credentials", ID: completion.Credential.ID, Sealed: completion.Credential.Sealed},
		{Table: "signing_keys", ID: key.ID, Sealed: key.Sealed},
		{Table: "transactions", ID: txn.ID, Sealed: txn.Sealed},
	}
}

// otherwise returns, in order, what is sealed with another key.
func (s *scene) otherwise(keyID string) []storage.SealedValue {
	s.t.Helper()
	values, err := s.SealedOtherwise(s.t.Context(), []byte(keyID), 100)
	s.must(err)
	total, err := s.CountSealedOtherwise(s.t.Context(), []byte(keyID))
	s.must(err)
	same(s.t, int(total), len(values))
	slices.SortFunc(values, func(a, b storage.SealedValue) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.ID, b.ID))
	})
	return values
}

func sealedChecks() []check {
	return []check{
		{"an empty store has nothing sealed", func(t *testing.T, s *scene) {
			same(t, s.otherwise(newSeal), nil)
		}},
		{"every column is found by the key that sealed it", func(t *testing.T, s *scene) {
			old, fresh := s.sealAll(oldSeal), s.sealAll(newSeal)
			same(t, s.otherwise(newSeal), old)
			same(t, s.otherwise(oldSeal), fresh)
			same(t, len(s.otherwise("another!")), len(old)+len(fresh))
		}},
		{"what is sealed too short to name a key is found, and what is not sealed is not", func(t *testing.T, s *scene) {
			short, none := s.newKey("ES256"), s.newKey("ES256")
			short.Sealed, none.Sealed = []byte("\x01"+newSeal[:7]), nil
			s.add(short)
			s.add(none)
			s.pending("client")
			same(t, s.otherwise(newSeal), []storage.SealedValue{{Table: "signing_keys", ID: short.ID, Sealed: short.Sealed}})
		}},
		{"no more than asked for are returned", func(t *testing.T, s *scene) {
			s.sealAll(oldSeal)
			s.sealAll(oldSeal)
			for _, limit := range []int{1, 4} {
				values, err := s.SealedOtherwise(t.Context(), []byte(newSeal), limit)
				s.must(err)
				same(t, len(values), limit)
			}
		}},
		{"a value is replaced where it stands", func(t *testing.T, s *scene) {
			values, others := s.sealAll(oldSeal), s.sealAll(oldSeal)
			for i, value := range values {
				values[i].Sealed = s.sealedWith(newSeal)
				s.must(s.ReplaceSealed(t.Context(), value, values[i].Sealed))
				s.want(storage.ErrConflict, s.ReplaceSealed(t.Context(), value, s.sealedWith(newSeal)))
			}
			same(t, s.otherwise(newSeal), others)
			same(t, s.otherwise(oldSeal), values)
		}},
		{"a value that changed or is gone is not replaced", func(t *testing.T, s *scene) {
			values := s.sealAll(oldSeal)
			for _, value := range values {
				changed, gone, elsewhere := value, value, value
				changed.Sealed, gone.ID, elsewhere.Table = s.sealedWith(oldSeal), "nothing", "clients"
				for _, missing := range []storage.SealedValue{changed, gone, elsewhere} {
					s.want(storage.ErrConflict, s.ReplaceSealed(t.Context(), missing, s.sealedWith(newSeal)))
				}
			}
			same(t, s.otherwise(newSeal), values)
		}},
		{"a credential that is sealed anew keeps its version and its lease", func(t *testing.T, s *scene) {
			value := s.sealAll(oldSeal)[0]
			lease := s.lease(s.credential(value.ID))
			sealed := s.sealedWith(newSeal)
			s.must(s.ReplaceSealed(t.Context(), value, sealed))
			want := lease.Credential
			want.Sealed = sealed
			same(t, s.credential(value.ID), want)
			s.must(s.FinishRenewal(t.Context(), s.renewed(lease), lease.Fence))
			value.Sealed = sealed
			s.want(storage.ErrConflict, s.ReplaceSealed(t.Context(), value, s.sealedWith(newSeal)))
		}},
		{"of racing replacements one wins", func(t *testing.T, s *scene) {
			for _, value := range s.sealAll(oldSeal) {
				oneWins(t, race(racers, func(int) error {
					return s.ReplaceSealed(t.Context(), value, s.sealedWith(newSeal))
				}), storage.ErrConflict)
			}
		}},
	}
}
