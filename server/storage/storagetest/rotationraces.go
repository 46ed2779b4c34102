package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// stores answers rotations in turn, so that racers meet each other across them.
type stores []storage.Store

// raceRotations presents one token many times at once, each time with a successor of its own.
func (s *scene) raceRotations(
	through stores, grant storage.Grant, grace time.Duration,
) ([]storage.Rotated, []error) {
	rotations, answers := make([]storage.Rotation, racers), make([]storage.Rotated, racers)
	for i := range rotations {
		rotations[i] = s.rotation(grant)
		rotations[i].Grace = grace
	}
	return answers, race(racers, func(i int) (err error) {
		answers[i], err = through[i%len(through)].RotateRefreshToken(s.t.Context(), rotations[i])
		return err
	})
}

// agree checks that one racer rotated and that all others repeated it, and returns the line.
func (s *scene) agree(grant storage.Grant, answers []storage.Rotated, errs []error) storage.Grant {
	s.t.Helper()
	line, err := s.Grant(s.t.Context(), grant.ID)
	s.must(err)
	same(s.t, line.Refresh.Generation, grant.Refresh.Generation+1)
	rotations := 0
	for i, answer := range answers {
		s.must(errs[i])
		same(s.t, answer.Grant, line)
		if !answer.Repeated {
			rotations++
		}
	}
	same(s.t, rotations, 1)
	return line
}

func rotationRaceChecks() []check {
	return []check{
		{"of racing rotations one wins and the others repeat it", func(t *testing.T, s *scene) {
			grant := s.grant(s.client().ID, "alice")
			for range contested(t) {
				answers, errs := s.raceRotations(stores{s.Store}, grant, grace)
				grant = s.agree(grant, answers, errs)
			}
			same(t, grant.Refresh.Generation, int64(contested(t))+1)
			same(t, len(s.revocations()), 0)
		}},
		{"of racing rotations without a grace window one wins and one ends the grant", func(t *testing.T, s *scene) {
			for range 20 {
				grant := s.grant("client", "alice")
				_, errs := s.raceRotations(stores{s.Store}, grant, 0)
				rotations, replays := 0, 0
				for _, err := range errs {
					switch {
					case err == nil:
						rotations++
					case errors.Is(err, storage.ErrUsed):
						replays++
					default:
						s.want(storage.ErrRevoked, err)
					}
				}
				same(t, rotations, 1)
				same(t, replays, 1)
			}
			same(t, len(s.revocations()), 20)
		}},
		{"a rotation that races with a revocation never outlives it", func(t *testing.T, s *scene) {
			for range 20 {
				grant := s.grant("client", "alice")
				for i, err := range race(racers, func(i int) (err error) {
					if i == racers/2 {
						filter := storage.GrantFilter{ID: grant.ID, Now: s.now}
						_, err = s.RevokeGrants(t.Context(), filter, storage.RevokedByUser)
						return err
					}
					_, err = s.RotateRefreshToken(t.Context(), s.rotation(grant))
					return err
				}) {
					if i == racers/2 || !errors.Is(err, storage.ErrRevoked) {
						s.must(err)
					}
				}
				ended, err := s.Grant(t.Context(), grant.ID)
				s.must(err)
				same(t, ended.RevokeReason, storage.RevokedByUser)
				s.refused(storage.ErrRevoked, s.rotation(ended))
			}
		}},
		{"lines rotate beside each other", func(t *testing.T, s *scene) {
			grants := make([]storage.Grant, racers)
			for i := range grants {
				grants[i] = s.grant("client", "alice")
			}
			for _, err := range race(racers, func(i int) error {
				for range 10 {
					rotated, err := s.RotateRefreshToken(t.Context(), s.rotation(grants[i]))
					if err != nil || rotated.Repeated {
						return errors.Join(err, errors.New("a line met another"))
					}
					grants[i] = rotated.Grant
				}
				return nil
			}) {
				s.must(err)
			}
			for _, grant := range grants {
				s.stands(grant)
			}
		}},
	}
}
