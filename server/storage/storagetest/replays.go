package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// repeats presents a rotation that is answered with the line as it stands.
func (s *scene) repeats(rotation storage.Rotation, standing storage.Grant) {
	s.t.Helper()
	rotated, err := s.RotateRefreshToken(s.t.Context(), rotation)
	s.must(err)
	same(s.t, rotated, storage.Rotated{Grant: standing, Repeated: true})
	s.stands(standing)
}

// replays presents a rotation that ends its grant.
func (s *scene) replays(rotation storage.Rotation, standing storage.Grant) {
	s.t.Helper()
	before := s.revocations()
	leaked, err := s.RotateRefreshToken(s.t.Context(), rotation)
	s.want(storage.ErrUsed, err)
	same(s.t, leaked, storage.Rotated{})
	standing.RevokeTime, standing.RevokeReason = rotation.Now, storage.RevokedByRefreshReplay
	s.stands(standing)
	recorded := s.revocations()[len(before):]
	same(s.t, len(recorded), 1)
	same(s.t, recorded[0].GrantID, standing.ID)
	same(s.t, recorded[0].CreateTime, rotation.Now)
	s.refused(storage.ErrRevoked, s.rotation(standing))
}

func replayChecks() []check {
	return []check{
		{"a repetition within the grace window changes nothing and gets the first successor", func(t *testing.T, s *scene) {
			first := s.grant(s.client().ID, "alice")
			standing := s.rotate(first)
			for range 3 {
				s.now = s.now.Add(grace / 4)
				s.repeats(s.rotation(first), standing)
			}
			same(t, len(s.revocations()), 0)
			client, err := s.Client(t.Context(), first.ClientID)
			s.must(err)
			same(t, client.LastUsedTime, standing.LastUsedTime)
			s.rotate(standing)
		}},
		{"the grace window is as long as it says, from the first rotation on", func(_ *testing.T, s *scene) {
			first := s.grant("client", "alice")
			standing := s.rotate(first)
			end := s.now.Add(grace)
			s.now = end.Add(-time.Microsecond)
			s.repeats(s.rotation(first), standing)
			s.now = end
			s.replays(s.rotation(first), standing)
		}},
		{"a grace of zero is none, even for a clock that lags", func(_ *testing.T, s *scene) {
			rotated := s.now
			for _, skew := range []time.Duration{0, -time.Second} {
				s.now = rotated
				first := s.grant("client", "alice")
				standing := s.rotate(first)
				s.now = rotated.Add(skew)
				rotation := s.rotation(first)
				rotation.Grace = 0
				s.replays(rotation, standing)
			}
		}},
		{"the grace window is over once the successor has rotated", func(_ *testing.T, s *scene) {
			first := s.grant("client", "alice")
			second := s.rotate(first)
			third := s.rotate(second)
			s.repeats(s.rotation(second), third)
			s.replays(s.rotation(first), third)
		}},
		{"a token that was rotated away ends the grant, however old it is", func(t *testing.T, s *scene) {
			for age := 1; age <= 4; age++ {
				first := s.grant("client", "alice")
				standing := first
				for range age {
					standing = s.rotate(standing)
					s.now = s.now.Add(grace)
				}
				s.replays(s.rotation(first), standing)
			}
			same(t, len(s.revocations()), 4)
		}},
		{"a replay ends its own grant only", func(t *testing.T, s *scene) {
			first, other := s.grant("client", "alice"), s.grant("client", "alice")
			standing := s.rotate(first)
			s.now = s.now.Add(grace)
			s.replays(s.rotation(first), standing)
			s.stands(other)
			s.rotate(other)
			same(t, s.listed(storage.GrantFilter{Now: s.now}), []string{other.ID})
		}},
	}
}
