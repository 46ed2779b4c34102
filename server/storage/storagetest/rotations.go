package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	idleTTL = 30 * 24 * time.Hour
	grace   = time.Minute
)

// rotation presents the head of a grant's line.
func (s *scene) rotation(grant storage.Grant) storage.Rotation {
	return storage.Rotation{
		GrantID:    grant.ID,
		ClientID:   grant.ClientID,
		Generation: grant.Refresh.Generation,
		Hash:       grant.Refresh.Hash,
		Next:       s.hash(),
		NextExpire: s.now.Add(idleTTL),
		Grace:      grace,
		Now:        s.now,
	}
}

// rotate moves a line on by one generation.
func (s *scene) rotate(grant storage.Grant) storage.Grant {
	s.t.Helper()
	rotated, err := s.RotateRefreshToken(s.t.Context(), s.rotation(grant))
	s.must(err)
	same(s.t, rotated.Repeated, false)
	return rotated.Grant
}

// after returns what a rotation makes of its grant.
func after(grant storage.Grant, rotation storage.Rotation) storage.Grant {
	grant.LastUsedTime = rotation.Now
	grant.Refresh = &storage.Refresh{
		Generation: rotation.Generation + 1,
		Hash:       rotation.Next,
		RotateTime: rotation.Now,
		ExpireTime: rotation.NextExpire,
	}
	return grant
}

// stands checks that a grant is stored as it is given.
func (s *scene) stands(grant storage.Grant) {
	s.t.Helper()
	stored, err := s.Grant(s.t.Context(), grant.ID)
	s.must(err)
	same(s.t, stored, grant)
}

// refused presents a rotation that is to fail without a trace.
func (s *scene) refused(verdict error, rotation storage.Rotation) {
	s.t.Helper()
	before, found := s.Grant(s.t.Context(), rotation.GrantID)
	leaked, err := s.RotateRefreshToken(s.t.Context(), rotation)
	s.want(verdict, err)
	same(s.t, leaked, storage.Rotated{})
	if found == nil {
		s.stands(before)
	}
}

func rotationChecks() []check {
	return []check{
		{"a rotation makes the successor the head", func(t *testing.T, s *scene) {
			grant, other := s.grant("client", "alice"), s.grant("client", "alice")
			for range 3 {
				s.now = s.now.Add(time.Hour)
				rotation := s.rotation(grant)
				grant = after(grant, rotation)
				rotated, err := s.RotateRefreshToken(t.Context(), rotation)
				s.must(err)
				same(t, rotated, storage.Rotated{Grant: grant})
				s.stands(grant)
			}
			same(t, grant.Refresh.Generation, 4)
			s.stands(other)
			same(t, len(s.revocations()), 0)
		}},
		{"a rotation marks its client as used", func(t *testing.T, s *scene) {
			client, other := s.client(), s.client()
			grant := s.grant(client.ID, "alice")
			s.now = s.now.Add(time.Hour)
			s.rotate(grant)
			stored, err := s.Client(t.Context(), client.ID)
			s.must(err)
			same(t, stored.LastUsedTime, s.now)
			stored, err = s.Client(t.Context(), other.ID)
			s.must(err)
			same(t, stored, other)
		}},
		{"a client that was marked less than a minute ago is not marked again", func(t *testing.T, s *scene) {
			client := s.client()
			grant := s.grant(client.ID, "alice")
			used := s.now
			for _, step := range []struct{ after, marked time.Duration }{
				{time.Minute - time.Second, 0}, {time.Minute, 0}, {time.Minute + time.Second, time.Minute + time.Second},
			} {
				stored, err := s.Client(t.Context(), client.ID)
				s.must(err)
				s.now = used.Add(step.after)
				rotation := s.rotation(grant)
				rotation.ClientUsedTime = stored.LastUsedTime
				rotated, err := s.RotateRefreshToken(t.Context(), rotation)
				s.must(err)
				grant = rotated.Grant
				stored, err = s.Client(t.Context(), client.ID)
				s.must(err)
				same(t, stored.LastUsedTime, used.Add(step.marked))
			}
		}},
		{"a grant of a client without a row rotates", func(_ *testing.T, s *scene) {
			s.rotate(s.grant("https://client.example/metadata.json", "alice"))
		}},
		{"an unknown grant is not found, nor a line in one that does not refresh", func(t *testing.T, s *scene) {
			code := s.code("client", "alice")
			grant := s.newGrant(code)
			rotation := s.rotation(grant)
			s.refused(storage.ErrNotFound, rotation)
			grant.Refresh = nil
			s.must(s.RedeemCode(t.Context(), code.Hash, s.now, grant))
			s.refused(storage.ErrNotFound, rotation)
		}},
		{"a rotation may ask for what was granted, or less", func(t *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			for _, scopes := range [][]string{grant.Scopes, grant.Scopes[:1], grant.Scopes[1:], {}} {
				rotation := s.rotation(grant)
				rotation.Resource, rotation.Scopes = grant.Resource, scopes
				grant = after(grant, rotation)
				for _, repeated := range []bool{false, true} {
					rotated, err := s.RotateRefreshToken(t.Context(), rotation)
					s.must(err)
					same(t, rotated, storage.Rotated{Grant: grant, Repeated: repeated})
				}
				s.stands(grant)
			}
		}},
		{"a rotation that asks for more is refused, and so is its repetition", func(_ *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			first := s.rotation(grant)
			beyond := func(rotation storage.Rotation) {
				other, wider := rotation, rotation
				other.Resource = grant.Resource + "/other"
				wider.Scopes = append(slices.Clone(grant.Scopes), "admin")
				s.refused(storage.ErrResource, other)
				s.refused(storage.ErrScope, wider)
			}
			beyond(first)
			s.rotate(grant)
			beyond(first)
		}},
		{"a replay ends the grant, whatever it asks for", func(t *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			replay := s.rotation(grant)
			replay.Resource, replay.Scopes = grant.Resource+"/other", []string{"admin"}
			s.rotate(s.rotate(grant))
			_, err := s.RotateRefreshToken(t.Context(), replay)
			s.want(storage.ErrUsed, err)
			same(t, s.detail(grant.ID).Grant.RevokeReason, storage.RevokedByRefreshReplay)
		}},
		{"another client finds nothing and ends nothing", func(_ *testing.T, s *scene) {
			grant := s.grant("client", "alice")
			old := s.rotation(grant)
			grant = s.rotate(s.rotate(grant))
			for _, rotation := range []storage.Rotation{old, s.rotation(grant)} {
				rotation.ClientID = "stranger"
				s.refused(storage.ErrNotFound, rotation)
			}
			s.stands(grant)
		}},
		{"what was never handed out is not found and revokes nothing", func(t *testing.T, s *scene) {
			grant := s.rotate(s.rotate(s.grant("client", "alice")))
			forged, early := s.rotation(grant), s.rotation(grant)
			forged.Hash = s.hash()
			early.Generation++
			s.refused(storage.ErrNotFound, forged)
			s.refused(storage.ErrNotFound, early)
			early.Generation += 1000
			s.refused(storage.ErrNotFound, early)
			same(t, len(s.revocations()), 0)
			s.rotate(grant)
		}},
		{"a revoked grant does not rotate, whatever is presented", func(t *testing.T, s *scene) {
			first := s.grant("client", "alice")
			grant := s.rotate(first)
			filter := storage.GrantFilter{ID: grant.ID, Now: s.now}
			_, err := s.RevokeGrants(t.Context(), filter, storage.RevokedByUser)
			s.must(err)
			s.refused(storage.ErrRevoked, s.rotation(grant))
			s.refused(storage.ErrRevoked, s.rotation(first))
			same(t, len(s.revocations()), 1)
		}},
		{"a line is over when the grant's or the token's lifetime is", expiresLine},
	}
}

// expiresLine tries a line one microsecond before the end of each lifetime and at it.
func expiresLine(t *testing.T, s *scene) {
	start := s.now
	for _, absolute := range []bool{true, false} {
		s.now = start
		code := s.code("client", "alice")
		first := s.newGrant(code)
		end := first.Refresh.ExpireTime
		if absolute {
			end = first.ExpireTime
			first.Refresh.ExpireTime = end.Add(time.Hour)
		}
		s.must(s.RedeemCode(t.Context(), code.Hash, s.now, first))
		s.now = end
		s.refused(storage.ErrExpired, s.rotation(first))
		s.now = end.Add(-time.Microsecond)
		rotation := s.rotation(first)
		rotation.NextExpire = end
		_, err := s.RotateRefreshToken(t.Context(), rotation)
		s.must(err)
		s.now = end
		s.refused(storage.ErrExpired, s.rotation(first)) // a repetition or a replay, and too late to matter
	}
	same(t, len(s.revocations()), 0)
}
