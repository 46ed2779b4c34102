package devidp

import (
	"context"
	"sync"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// maxRecords bounds logins under way, and grants; the oldest goes when it is reached.
const maxRecords = 10_000

// store keeps logins and grants in memory. It replaces the library's own, which holds a hundred grants and shares its
// records between requests: a code or a refresh token found here is taken, so that of racing requests one gets it.
type store struct {
	mu            sync.Mutex
	sessions      shelf[goidc.AuthnSession]
	grants        shelf[goidc.Grant]
	codes         map[string]string // unused codes, to grant ids
	refreshTokens map[string]string // good refresh tokens, to grant ids
}

var (
	_ goidc.AuthManager         = (*store)(nil)
	_ goidc.GrantManager        = (*store)(nil)
	_ goidc.RefreshTokenManager = (*store)(nil)
)

func newStore() *store {
	return &store{
		sessions:      shelf[goidc.AuthnSession]{records: map[string]goidc.AuthnSession{}},
		grants:        shelf[goidc.Grant]{records: map[string]goidc.Grant{}},
		codes:         map[string]string{},
		refreshTokens: map[string]string{},
	}
}

// SaveSession implements goidc.AuthManager. A login that is over is forgotten.
func (s *store) SaveSession(_ context.Context, session *goidc.AuthnSession) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session.Status == goidc.StatusPending {
		s.sessions.put(session.ID, *session)
	} else {
		delete(s.sessions.records, session.ID)
	}
	return nil
}

// Session implements goidc.AuthManager.
func (s *store) Session(_ context.Context, id string) (*goidc.AuthnSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions.get(id)
}

// SaveGrant implements goidc.GrantManager.
func (s *store) SaveGrant(_ context.Context, grant *goidc.Grant) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.grants.records[grant.ID]
	if known {
		delete(s.refreshTokens, before.RefreshToken)
	} else if grant.AuthCode != "" {
		s.codes[grant.AuthCode] = grant.ID
	}
	if grant.RefreshToken != "" {
		s.refreshTokens[grant.RefreshToken] = grant.ID
	}
	if gone, ok := s.grants.put(grant.ID, *grant); ok {
		delete(s.codes, gone.AuthCode)
		delete(s.refreshTokens, gone.RefreshToken)
	}
	return nil
}

// Grant implements goidc.GrantManager.
func (s *store) Grant(_ context.Context, id string) (*goidc.Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grants.get(id)
}

// GrantByAuthCode implements goidc.AuthManager.
func (s *store) GrantByAuthCode(_ context.Context, code string) (*goidc.Grant, error) {
	return s.take(s.codes, code)
}

// GrantByRefreshToken implements goidc.RefreshTokenManager. The library also asks here when a refresh token is
// introspected, and that spends it; this server introspects access tokens only.
func (s *store) GrantByRefreshToken(_ context.Context, token string) (*goidc.Grant, error) {
	return s.take(s.refreshTokens, token)
}

func (s *store) take(index map[string]string, credential string) (*goidc.Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := index[credential]
	delete(index, credential)
	return s.grants.get(id)
}

// shelf is a bounded map that drops its oldest record.
type shelf[T any] struct {
	records map[string]T
	order   []string // of arrival; may name records that are gone
}

func (s *shelf[T]) get(id string) (*T, error) {
	record, ok := s.records[id]
	if !ok {
		return nil, goidc.ErrNotFound
	}
	return &record, nil
}

// put adds or replaces a record and returns the one that had to go.
func (s *shelf[T]) put(id string, record T) (gone T, dropped bool) {
	if _, known := s.records[id]; !known {
		s.order = append(s.order, id)
	}
	s.records[id] = record
	if len(s.order) <= maxRecords {
		return gone, false
	}
	oldest := s.order[0]
	s.order = s.order[1:]
	gone, dropped = s.records[oldest]
	delete(s.records, oldest)
	return gone, dropped
}
