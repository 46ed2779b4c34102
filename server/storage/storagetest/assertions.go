package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func assertionChecks() []check {
	return []check{
		{"an assertion is used once", func(t *testing.T, s *scene) {
			one, other, end := s.hash(), s.hash(), s.now.Add(time.Minute)
			s.must(s.UseAssertion(t.Context(), one, end))
			s.want(storage.ErrUsed, s.UseAssertion(t.Context(), one, end))
			s.want(storage.ErrUsed, s.UseAssertion(t.Context(), one, end.Add(time.Hour)))
			s.must(s.UseAssertion(t.Context(), other, end))
		}},
		{"of racing uses one wins", func(t *testing.T, s *scene) {
			for range 20 {
				assertion := s.hash()
				oneWins(t, race(racers, func(int) error {
					return s.UseAssertion(t.Context(), assertion, s.now.Add(time.Minute))
				}), storage.ErrUsed)
			}
		}},
		{"an assertion is remembered until its expire time and swept from then on", func(t *testing.T, s *scene) {
			assertion, end := s.hash(), s.now.Add(time.Minute)
			s.must(s.UseAssertion(t.Context(), assertion, end))
			s.must(s.UseAssertion(t.Context(), s.hash(), end.Add(time.Microsecond)))
			s.sweep(end.Add(-time.Microsecond), keep, storage.SweepResult{})
			s.want(storage.ErrUsed, s.UseAssertion(t.Context(), assertion, end))
			s.sweep(end, keep, storage.SweepResult{Assertions: 1})
			s.must(s.UseAssertion(t.Context(), assertion, end))
		}},
	}
}
