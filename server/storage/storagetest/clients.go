package storagetest

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func clientChecks() []check {
	return []check{
		{"a client comes back as it was stored", func(t *testing.T, s *scene) {
			hash := s.hash()
			full := storage.Client{
				ID: "full", Origin: storage.OriginOperator, Name: "Full", AuthMethod: "client_secret_basic",
				SecretHash: &hash, RedirectURIs: []string{"https://a.example/cb?x=1", "com.example.app:/cb"},
				GrantTypes: []string{"authorization_code"}, Scopes: []string{"b", "a"}, ApplicationType: "web",
				ClientURI: "https://a.example", LogoURI: "https://a.example/logo.png", SoftwareID: "software",
				SoftwareVersion: "1.2.3", CreateTime: s.now, LastUsedTime: s.now.Add(time.Second),
			}
			for _, client := range []storage.Client{full, {ID: "bare", Origin: storage.OriginDynamic, CreateTime: s.now}} {
				s.create(client)
				stored, err := s.Client(t.Context(), client.ID)
				s.must(err)
				same(t, stored, client)
				s.authenticates(client)
			}
		}},
		{"an unknown client is not found", func(t *testing.T, s *scene) {
			_, err := s.Client(t.Context(), "nobody")
			s.want(storage.ErrNotFound, err)
			_, err = s.ClientAuthentication(t.Context(), "nobody")
			s.want(storage.ErrNotFound, err)
		}},
		{"a taken id is refused and the first client stays", func(t *testing.T, s *scene) {
			first := s.client()
			second := s.newClient()
			second.ID, second.Name = first.ID, "Impostor"
			s.want(storage.ErrExists, s.CreateClient(t.Context(), second, noLimit))
			stored, err := s.Client(t.Context(), first.ID)
			s.must(err)
			same(t, stored, first)
		}},
		{"ids are compared exactly", func(t *testing.T, s *scene) {
			client := s.newClient()
			client.ID = "Case"
			s.create(client)
			for _, other := range []string{"case", "Case ", "Cas", "Cas_", "C%", ""} {
				_, err := s.Client(t.Context(), other)
				s.want(storage.ErrNotFound, err)
				_, err = s.ClientAuthentication(t.Context(), other)
				s.want(storage.ErrNotFound, err)
			}
		}},
		{"its first code exchange marks a client as used", func(t *testing.T, s *scene) {
			client := s.client()
			s.grant(client.ID, "alice")
			stored, err := s.Client(t.Context(), client.ID)
			s.must(err)
			same(t, stored.LastUsedTime, s.now)
			s.authenticates(stored)
		}},
		{"a deleted client takes its transactions and codes along and its live grants are revoked", deletesClient},
		{"deleting an unknown client is not found", func(t *testing.T, s *scene) {
			_, err := s.DeleteClient(t.Context(), "nobody", s.now)
			s.want(storage.ErrNotFound, err)
		}},
		{"of racing deletions one wins", func(t *testing.T, s *scene) {
			client := s.client()
			oneWins(t, race(racers, func(int) error {
				_, err := s.DeleteClient(t.Context(), client.ID, s.now)
				return err
			}), storage.ErrNotFound)
		}},
	}
}

// authenticates checks that a client is authenticated with what it has registered.
func (s *scene) authenticates(client storage.Client) {
	s.t.Helper()
	stored, err := s.ClientAuthentication(s.t.Context(), client.ID)
	s.must(err)
	same(s.t, stored, storage.ClientAuthentication{
		ID: client.ID, Origin: client.Origin, AuthMethod: client.AuthMethod, SecretHash: client.SecretHash,
		GrantTypes: client.GrantTypes, LastUsedTime: client.LastUsedTime,
	})
}

func deletesClient(t *testing.T, s *scene) {
	ctx := t.Context()
	client, other := s.client(), s.client()
	txn, code := s.pending(client.ID), s.code(client.ID, "alice")
	live, ended := s.grant(client.ID, "alice"), s.grant(client.ID, "alice")
	_, err := s.RevokeGrants(ctx, storage.GrantFilter{ID: ended.ID, Now: s.now}, storage.RevokedByOperator)
	s.must(err)
	otherTxn, otherGrant := s.pending(other.ID), s.grant(other.ID, "alice")

	now := s.now.Add(time.Second)
	revoked, err := s.DeleteClient(ctx, client.ID, now)
	s.must(err)
	same(t, revoked, []string{live.ID})

	_, err = s.Client(ctx, client.ID)
	s.want(storage.ErrNotFound, err)
	_, err = s.ClientAuthentication(ctx, client.ID)
	s.want(storage.ErrNotFound, err)
	_, err = s.TransactionByHandle(ctx, txn.HandleHash, now)
	s.want(storage.ErrNotFound, err)
	_, err = s.Code(ctx, code.Hash)
	s.want(storage.ErrNotFound, err)

	detail := s.detail(live.ID)
	live.RevokeTime, live.RevokeReason = now, storage.RevokedByClientDeleted
	same(t, detail.Grant, live)
	same(t, detail.ClientName, "")
	same(t, s.detail(ended.ID).Grant.RevokeReason, storage.RevokedByOperator)

	_, err = s.Client(ctx, other.ID)
	s.must(err)
	same(t, s.status(otherTxn), storage.StatusPending)
	s.stands(otherGrant)

	_, err = s.DeleteClient(ctx, client.ID, now)
	s.want(storage.ErrNotFound, err)
}

func clientLimitChecks() []check {
	return []check{
		{"the limit is not for operators", func(t *testing.T, s *scene) {
			client := s.newClient()
			client.Origin = storage.OriginOperator
			s.must(s.CreateClient(t.Context(), client, 0))
			s.want(storage.ErrLimit, s.CreateClient(t.Context(), s.newClient(), 0))
		}},
		{"neither used clients nor those of operators count towards the limit", func(t *testing.T, s *scene) {
			s.grant(s.client().ID, "alice")
			operated, unused := s.newClient(), s.newClient()
			operated.Origin = storage.OriginOperator
			s.must(s.CreateClient(t.Context(), unused, 1))
			s.must(s.CreateClient(t.Context(), operated, 1))
			same(t, s.registered(unused), true)
		}},
		{"racing registrations all succeed and never exceed the limit", func(t *testing.T, s *scene) {
			const limit = 10
			for _, err := range race(4*racers, func(int) error {
				return s.CreateClient(t.Context(), s.newClient(), limit)
			}) {
				s.must(err)
			}
			stored, err := s.ListClients(t.Context(), storage.Page{Limit: 100})
			s.must(err)
			same(t, len(stored), limit)
		}},
		{"of racing registrations with one id one wins", func(t *testing.T, s *scene) {
			client := s.newClient()
			oneWins(t, race(racers, func(int) error {
				return s.CreateClient(t.Context(), client, noLimit)
			}), storage.ErrExists)
		}},
	}
}
