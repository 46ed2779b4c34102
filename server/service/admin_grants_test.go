package service_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/service"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// popular is a store with one client that has very many grants. It revokes no more than it is asked for in one step.
type popular struct {
	service.AdminStore
	grants  int
	largest int
	deleted bool
}

func (p *popular) Client(context.Context, string) (storage.Client, error) {
	return storage.Client{}, nil
}

func (p *popular) RevokeGrants(_ context.Context, filter storage.GrantFilter, _ string) ([]string, error) {
	n := p.grants
	if filter.AtMost > 0 {
		n = min(n, filter.AtMost)
	}
	p.largest = max(p.largest, n)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint(p.grants - i)
	}
	p.grants -= n
	return ids, nil
}

func (p *popular) DeleteClient(context.Context, string, time.Time) ([]string, error) {
	p.largest = max(p.largest, p.grants)
	p.deleted = true
	return make([]string, p.grants), nil
}

// told counts what verifiers hear.
type told map[string]bool

func (t told) Revoked(ids ...string) {
	for _, id := range ids {
		t[id] = true
	}
}

func (told) Forget() {}

// However many grants a client has, no step is so large that a database gives it up, and all of them end.
func TestGrantsOfAPopularClientEndInSteps(t *testing.T) {
	const grants = 250_001
	for name, end := range map[string]func(*service.Admin) (int32, error){
		"revoked": func(a *service.Admin) (int32, error) {
			response, err := a.RevokeGrants(t.Context(), &gatehousev1.RevokeGrantsRequest{
				Selector: &gatehousev1.RevokeGrantsRequest_ClientId{ClientId: "client"},
			})
			return response.GetRevokedGrants(), err
		},
		"deleted": func(a *service.Admin) (int32, error) {
			response, err := a.DeleteClient(t.Context(), &gatehousev1.DeleteClientRequest{ClientId: "client"})
			return response.GetRevokedGrants(), err
		},
	} {
		store, heard := &popular{grants: grants}, told{}
		count, err := end(service.NewAdmin(service.AdminDeps{Store: store, Revoker: heard, Now: time.Now}))
		if err != nil || count != grants || len(heard) != grants {
			t.Errorf("%s: %d told, %d heard of, %v", name, count, len(heard), err)
		}
		if store.grants > 0 || store.largest > 50_000 || store.deleted != (name == "deleted") {
			t.Errorf("%s: %d left, %d in one step, client deleted: %t", name, store.grants, store.largest, store.deleted)
		}
	}
}
