package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func (s *scene) newKey(algorithm string) storage.SigningKey {
	return storage.SigningKey{
		ID: s.name("key"), Purpose: storage.PurposeAccessToken, Algorithm: algorithm,
		Sealed: []byte("sealed " + algorithm), CreateTime: s.now, ActivateTime: s.now,
	}
}

// add stores a key, whatever else there is.
func (s *scene) add(key storage.SigningKey) {
	s.t.Helper()
	added, err := s.AddSigningKey(s.t.Context(), key, s.now.AddDate(1000, 0, 0))
	s.must(err)
	same(s.t, added, true)
}

func (s *scene) keys() []storage.SigningKey {
	s.t.Helper()
	keys, err := s.SigningKeys(s.t.Context())
	s.must(err)
	return keys
}

func signingKeyChecks() []check {
	return []check{
		{"a store without keys has none", func(t *testing.T, s *scene) {
			same(t, s.keys(), nil)
		}},
		{"keys come by activation time, then id, as they were stored", func(t *testing.T, s *scene) {
			late, early, twin := s.newKey("ES256"), s.newKey("HS256"), s.newKey("ES256")
			late.Public, late.CreateTime = []byte(`{"kty":"EC"}`), s.now.Add(-time.Hour)
			early.Purpose, early.ActivateTime = storage.PurposeRefreshToken, s.now.Add(-time.Microsecond)
			for _, key := range []storage.SigningKey{twin, late, early} {
				s.add(key)
			}
			same(t, s.keys(), []storage.SigningKey{early, late, twin})
		}},
		{"the first key is added unless there is one of its purpose and algorithm", func(t *testing.T, s *scene) {
			purposes := []string{storage.PurposeAccessToken, storage.PurposeRefreshToken}
			for _, algorithm := range []string{"ES256", "HS256"} {
				for _, purpose := range purposes {
					key, another := s.newKey(algorithm), s.newKey(algorithm)
					key.Purpose, another.Purpose = purpose, purpose
					for i, offered := range []storage.SigningKey{key, another} {
						added, err := s.AddSigningKey(t.Context(), offered, time.Time{})
						s.must(err)
						same(t, added, i == 0)
					}
				}
			}
			same(t, len(s.keys()), 4)
		}},
		{"a next key is added unless one begins later than the given time", func(t *testing.T, s *scene) {
			first := s.newKey("ES256")
			s.add(first)
			prepared := s.newKey("ES256")
			prepared.ActivateTime = s.now.Add(time.Hour)
			for _, c := range []struct {
				after time.Time
				want  bool
			}{
				{first.ActivateTime.Add(-time.Microsecond), false},
				{first.ActivateTime, true},
				{first.ActivateTime, false}, // there is the one just prepared now
				{prepared.ActivateTime.Add(-time.Microsecond), false},
				{prepared.ActivateTime, true},
			} {
				key := prepared
				key.ID = s.name("key")
				added, err := s.AddSigningKey(t.Context(), key, c.after)
				s.must(err)
				same(t, added, c.want)
			}
			same(t, len(s.keys()), 3)
		}},
		{"a taken id is refused", func(t *testing.T, s *scene) {
			key, impostor := s.newKey("ES256"), s.newKey("HS256")
			s.add(key)
			impostor.ID = key.ID
			_, err := s.AddSigningKey(t.Context(), impostor, time.Time{})
			s.want(storage.ErrExists, err)
			same(t, s.keys(), []storage.SigningKey{key})
		}},
		{"a deleted key is gone", func(t *testing.T, s *scene) {
			key, other := s.newKey("ES256"), s.newKey("ES256")
			s.add(key)
			s.add(other)
			s.must(s.DeleteSigningKey(t.Context(), key.ID))
			s.want(storage.ErrNotFound, s.DeleteSigningKey(t.Context(), key.ID))
			same(t, s.keys(), []storage.SigningKey{other})
		}},
		{"of servers that add at once one wins", func(t *testing.T, s *scene) {
			for _, after := range []time.Time{{}, s.now} {
				added := make([]bool, racers)
				for _, err := range race(racers, func(i int) (err error) {
					key := s.newKey("ES256")
					key.ActivateTime = after.Add(time.Hour)
					added[i], err = s.AddSigningKey(t.Context(), key, after)
					return err
				}) {
					s.must(err)
				}
				same(t, count(added), 1)
			}
			same(t, len(s.keys()), 2)
		}},
	}
}

func count(answers []bool) (n int) {
	for _, yes := range answers {
		if yes {
			n++
		}
	}
	return n
}
