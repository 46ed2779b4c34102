package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// lister reads the ids and cursors of one page.
type lister func(page storage.Page) []storage.Cursor

func pagingChecks() []check {
	return []check{
		{"pages of clients are ordered, complete and stable", func(t *testing.T, s *scene) {
			s.pages(s.listClients, func(created time.Time) string {
				client := s.newClient()
				client.CreateTime = created
				s.create(client)
				return client.ID
			})
		}},
		{"pages of grants are ordered, complete and stable", func(t *testing.T, s *scene) {
			list := func(page storage.Page) []storage.Cursor {
				return s.listGrants(storage.GrantFilter{Now: s.now}, page)
			}
			s.pages(list, s.grantCreatedAt("client", "alice"))
		}},
		{"pages of one user's grants are ordered, complete and stable", func(t *testing.T, s *scene) {
			create, other := s.grantCreatedAt("client", "alice"), s.grantCreatedAt("client", "bob")
			list := func(page storage.Page) []storage.Cursor {
				return s.listGrants(storage.GrantFilter{UserID: "user-alice", IncludeEnded: true, Now: s.now}, page)
			}
			s.pages(list, func(created time.Time) string {
				other(created)
				return create(created)
			})
		}},
	}
}

func (s *scene) listClients(page storage.Page) []storage.Cursor {
	s.t.Helper()
	clients, err := s.ListClients(s.t.Context(), page)
	s.must(err)
	var cursors []storage.Cursor
	for _, client := range clients {
		cursors = append(cursors, storage.Cursor{CreateTime: client.CreateTime, ID: client.ID})
	}
	return cursors
}

func (s *scene) listGrants(filter storage.GrantFilter, page storage.Page) []storage.Cursor {
	s.t.Helper()
	grants, err := s.ListGrants(s.t.Context(), filter, page)
	s.must(err)
	var cursors []storage.Cursor
	for _, detail := range grants {
		cursors = append(cursors, storage.Cursor{CreateTime: detail.Grant.CreateTime, ID: detail.Grant.ID})
	}
	return cursors
}

func (s *scene) grantCreatedAt(clientID, user string) func(time.Time) string {
	return func(created time.Time) string {
		code := s.code(clientID, user)
		grant := s.newGrant(code)
		grant.CreateTime = created
		s.must(s.RedeemCode(s.t.Context(), code.Hash, s.now, grant))
		return grant.ID
	}
}

// pages walks through a list in pages of every size, while rows are added in front and between.
func (s *scene) pages(list lister, create func(created time.Time) string) {
	s.t.Helper()
	const rows = 7
	var want []storage.Cursor
	for i := range rows {
		created := s.now.Add(time.Duration(i/3) * time.Second) // three rows share a time
		want = append(want, storage.Cursor{CreateTime: created, ID: create(created)})
	}
	slices.Reverse(want) // ids of a scene grow, so this is newest first and highest id first
	same(s.t, list(storage.Page{Limit: 100}), want)

	for size := 1; size <= rows+1; size++ {
		var seen []storage.Cursor
		var after storage.Cursor
		for {
			page := list(storage.Page{Limit: size, After: after})
			if len(page) > size {
				s.t.Fatalf("a page of %d has %d rows", size, len(page))
			}
			if len(page) == 0 {
				break
			}
			seen = append(seen, page...)
			if len(seen) > 10*rows {
				s.t.Fatalf("pages of %d never end", size)
			}
			after = page[len(page)-1]
			if size == 2 { // newer than everything: must not shift the pages that follow
				create(s.now.Add(time.Hour))
			}
		}
		if size <= 2 {
			same(s.t, seen, want)
		} else {
			same(s.t, seen[len(seen)-rows:], want)
		}
	}
}
