package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func (s *scene) newKey(algorithm string) storage.SigningKey {
	return storage.SigningKey{
		ID: s.name("key"), Algorithm: algorithm, Sealed: []byte("sealed " + algorithm), CreateTime: s.now,
	}
}

func signingKeyChecks() []check {
	return []check{
		{"a store without keys has none", func(t *testing.T, s *scene) {
			keys, err := s.SigningKeys(t.Context())
			s.must(err)
			same(t, len(keys), 0)
		}},
		{"the first key of an algorithm stands", func(t *testing.T, s *scene) {
			first, second, other := s.newKey("ES256"), s.newKey("ES256"), s.newKey("HS256")
			first.Public = []byte(`{"kty":"EC"}`)
			other.CreateTime = s.now.Add(-time.Second)
			standing, err := s.EnsureSigningKey(t.Context(), first)
			s.must(err)
			same(t, standing, first)
			standing, err = s.EnsureSigningKey(t.Context(), second)
			s.must(err)
			same(t, standing, first)
			standing, err = s.EnsureSigningKey(t.Context(), other)
			s.must(err)
			same(t, standing, other)
			keys, err := s.SigningKeys(t.Context())
			s.must(err)
			same(t, keys, []storage.SigningKey{other, first})
		}},
		{"servers that start together agree on one key", func(t *testing.T, s *scene) {
			standing := make([]storage.SigningKey, racers)
			for _, err := range race(racers, func(i int) (err error) {
				standing[i], err = s.EnsureSigningKey(t.Context(), s.newKey("ES256"))
				return err
			}) {
				s.must(err)
			}
			keys, err := s.SigningKeys(t.Context())
			s.must(err)
			for _, key := range standing {
				same(t, []storage.SigningKey{key}, keys)
			}
		}},
	}
}
