package devidp

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

func TestRacingRedemptionsOfACodeHaveOneWinner(t *testing.T) {
	s := newStore()
	if err := s.SaveGrant(t.Context(), &goidc.Grant{ID: "g", AuthCode: "code", RefreshToken: "rt"}); err != nil {
		t.Fatal(err)
	}
	var winners atomic.Int32
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			if _, err := s.GrantByAuthCode(t.Context(), "code"); err == nil {
				winners.Add(1)
			}
		})
	}
	wait.Wait()
	if winners.Load() != 1 {
		t.Errorf("%d winners", winners.Load())
	}
}

func TestStoreIsBounded(t *testing.T) {
	s := newStore()
	for i := range maxRecords + 10 {
		id := strconv.Itoa(i)
		if err := s.SaveGrant(t.Context(), &goidc.Grant{ID: id, AuthCode: "c" + id, RefreshToken: "r" + id}); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveSession(t.Context(), &goidc.AuthnSession{ID: id, Status: goidc.StatusPending}); err != nil {
			t.Fatal(err)
		}
	}
	for name, size := range map[string]int{
		"grants": len(s.grants.records), "codes": len(s.codes), "refresh tokens": len(s.refreshTokens),
		"sessions": len(s.sessions.records), "session order": len(s.sessions.order),
	} {
		if size != maxRecords {
			t.Errorf("%d %s, want %d", size, name, maxRecords)
		}
	}
	if _, err := s.GrantByRefreshToken(t.Context(), "r0"); !errors.Is(err, goidc.ErrNotFound) {
		t.Errorf("the oldest grant: %v", err)
	}
}

func TestFinishedLoginIsForgotten(t *testing.T) {
	s := newStore()
	for _, status := range []goidc.Status{goidc.StatusPending, goidc.StatusSuccess} {
		if err := s.SaveSession(t.Context(), &goidc.AuthnSession{ID: "a", Status: status}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Session(t.Context(), "a"); !errors.Is(err, goidc.ErrNotFound) {
		t.Errorf("session: %v", err)
	}
}
