package storage_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func TestMissedRotationIsExplained(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	line := func(change func(*storage.Grant)) storage.Grant {
		grant := storage.Grant{ID: "grant", ClientID: "client", ExpireTime: noon.Add(2 * time.Hour), Refresh: &storage.Refresh{
			Generation: 7, Hash: secret.NewText("token 7").Hash(), RotateTime: noon, ExpireTime: noon.Add(time.Hour),
		}}
		if change != nil {
			change(&grant)
		}
		return grant
	}
	live := line(nil)
	revoked := line(func(g *storage.Grant) { g.RevokeTime = noon })
	for name, c := range map[string]struct {
		grant      storage.Grant
		generation int64
		grace      time.Duration
		after      time.Duration
		want       error
	}{
		"the predecessor at once":                      {live, 6, time.Minute, 0, nil},
		"the predecessor just within the window":       {live, 6, time.Minute, time.Minute - time.Microsecond, nil},
		"the predecessor when the window is over":      {live, 6, time.Minute, time.Minute, storage.ErrUsed},
		"the predecessor seen by a clock that lags":    {live, 6, time.Minute, -time.Second, nil},
		"the predecessor without a window":             {live, 6, 0, 0, storage.ErrUsed},
		"no window and a clock that lags":              {live, 6, 0, -time.Second, storage.ErrUsed},
		"a negative window and a clock that lags":      {live, 6, -time.Second, -time.Minute, storage.ErrUsed},
		"an older one within the window":               {live, 5, time.Minute, 0, storage.ErrUsed},
		"the first one":                                {live, 1, time.Minute, 0, storage.ErrUsed},
		"the head with another hash":                   {live, 7, time.Minute, 0, storage.ErrNotFound},
		"one that was never handed out":                {live, 8, time.Minute, 0, storage.ErrNotFound},
		"just before the idle lifetime is over":        {live, 1, 0, time.Hour - time.Microsecond, storage.ErrUsed},
		"when the idle lifetime is over":               {live, 6, 2 * time.Hour, time.Hour, storage.ErrExpired},
		"when the absolute lifetime is over":           {live, 6, 3 * time.Hour, 2 * time.Hour, storage.ErrExpired},
		"the predecessor of a revoked grant":           {revoked, 6, time.Minute, 0, storage.ErrRevoked},
		"an old one of a revoked grant":                {revoked, 1, time.Minute, 0, storage.ErrRevoked},
		"a revoked grant that would have expired, too": {revoked, 6, time.Minute, 3 * time.Hour, storage.ErrRevoked},
		"a grant that does not refresh":                {line(func(g *storage.Grant) { g.Refresh = nil }), 1, time.Minute, 0, storage.ErrNotFound},
	} {
		rotation := storage.Rotation{
			GrantID: "grant", ClientID: "client", Generation: c.generation, Grace: c.grace, Now: noon.Add(c.after),
		}
		if got := rotation.Missed(c.grant); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestMissedRotationThatAsksForMoreIsExplained(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	head := storage.Refresh{
		Generation: 7, Hash: secret.NewText("token 7").Hash(), RotateTime: noon, ExpireTime: noon.Add(time.Hour),
	}
	grant := storage.Grant{
		ID: "grant", ClientID: "client", Resource: "resource", Scopes: []string{"read", "write"},
		ExpireTime: noon.Add(2 * time.Hour), Refresh: &head,
	}
	for name, c := range map[string]struct {
		client, resource string
		scopes           []string
		generation       int64
		want             error
	}{
		"the head for another resource":        {"client", "other", nil, 7, storage.ErrResource},
		"the head for more scopes":             {"client", "resource", []string{"read", "admin"}, 7, storage.ErrScope},
		"the predecessor for another resource": {"client", "other", nil, 6, storage.ErrResource},
		"the predecessor for more scopes":      {"client", "", []string{"admin"}, 6, storage.ErrScope},
		"the predecessor for less":             {"client", "resource", []string{"write"}, 6, nil},
		"an older one for more":                {"client", "other", []string{"admin"}, 5, storage.ErrUsed},
		"the head of another client":           {"stranger", "", nil, 7, storage.ErrNotFound},
		"an older one of another client":       {"stranger", "", nil, 5, storage.ErrNotFound},
	} {
		rotation := storage.Rotation{
			GrantID: "grant", ClientID: c.client, Resource: c.resource, Scopes: c.scopes, Generation: c.generation,
			Hash: secret.NewText(fmt.Sprint("token ", c.generation)).Hash(), Grace: time.Minute, Now: noon,
		}
		if got := rotation.Missed(grant); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if rotation.Presents(grant) {
			t.Errorf("%s presents the head", name)
		}
	}
}

func TestRotationPresentsTheHeadOfAStandingGrant(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	head := storage.Refresh{Generation: 7, Hash: secret.NewText("token 7").Hash(), ExpireTime: noon.Add(time.Hour)}
	grant := storage.Grant{ID: "grant", ExpireTime: noon.Add(2 * time.Hour), Refresh: &head}
	revoked, bare := grant, grant
	revoked.RevokeTime, bare.Refresh = noon, nil
	for name, c := range map[string]struct {
		grant      storage.Grant
		generation int64
		token      string
		after      time.Duration
		want       bool
	}{
		"the head":                         {grant, 7, "token 7", 0, true},
		"at the end of its idle lifetime":  {grant, 7, "token 7", time.Hour, false},
		"another token":                    {grant, 7, "token 6", 0, false},
		"another generation":               {grant, 6, "token 7", 0, false},
		"of a revoked grant":               {revoked, 7, "token 7", 0, false},
		"of a grant that does not refresh": {bare, 7, "token 7", 0, false},
	} {
		rotation := storage.Rotation{
			GrantID: "grant", Generation: c.generation, Hash: secret.NewText(c.token).Hash(), Now: noon.Add(c.after),
		}
		if got := rotation.Presents(c.grant); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}
