package server_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func TestListsArePagedCompletely(t *testing.T) {
	r := newRig(t)
	clients, grants := make(map[string]bool), make(map[string]bool)
	for range 7 {
		tokens := r.login(t)
		verdict := r.verify(t, tokens.GetAccessToken())
		clients[verdict.GetClientId()], grants[verdict.GetGrantId()] = true, true
	}
	wantPaged(t, clients, func(token string) (ids []string, next string, err error) {
		page, err := r.admin.ListClients(t.Context(), &gatehousev1.ListClientsRequest{PageSize: 3, PageToken: token})
		for _, client := range page.GetClients() {
			ids = append(ids, client.GetClientId())
		}
		return ids, page.GetNextPageToken(), err
	})
	wantPaged(t, grants, func(token string) (ids []string, next string, err error) {
		page, err := r.admin.ListGrants(t.Context(), &gatehousev1.ListGrantsRequest{PageSize: 3, PageToken: token})
		for _, grant := range page.GetGrants() {
			ids = append(ids, grant.GetGrantId())
		}
		return ids, page.GetNextPageToken(), err
	})
}

// wantPaged reads a list of seven in pages of three, and checks that each is listed once.
func wantPaged(t *testing.T, want map[string]bool, list func(token string) (ids []string, next string, err error)) {
	t.Helper()
	pages := 1
	for token := ""; ; pages++ {
		ids, next, err := list(token)
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) > 3 {
			t.Errorf("a page of %d", len(ids))
		}
		for _, id := range ids {
			if !want[id] {
				t.Errorf("%s is listed twice or was never made", id)
			}
			delete(want, id)
		}
		if token = next; token == "" {
			break
		}
	}
	if len(want) > 0 || pages != 3 {
		t.Errorf("%d missing after %d pages", len(want), pages)
	}
}

func TestPageTokenIsGoodForItsQueryOnly(t *testing.T) {
	r := newRig(t)
	r.register(t)
	r.register(t)
	page, err := r.admin.ListClients(t.Context(), &gatehousev1.ListClientsRequest{PageSize: 1})
	if err != nil || page.GetNextPageToken() == "" {
		t.Fatalf("page = %v, %v", page, err)
	}
	for _, token := range []string{"x", page.GetNextPageToken() + "A", "' OR 1=1"} {
		_, err := r.admin.ListClients(t.Context(), &gatehousev1.ListClientsRequest{PageToken: token})
		wantReason(t, err, "invalid_request")
	}
	_, err = r.admin.ListGrants(t.Context(), &gatehousev1.ListGrantsRequest{PageToken: page.GetNextPageToken()})
	wantReason(t, err, "invalid_request")
}

func TestGrantsAreListedAndRevokedByClientAndByUser(t *testing.T) {
	r := newRig(t)
	first := r.verify(t, r.login(t).GetAccessToken())
	second := r.verify(t, r.login(t).GetAccessToken())
	list := func(request *gatehousev1.ListGrantsRequest) int {
		t.Helper()
		grants, err := r.admin.ListGrants(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		return len(grants.GetGrants())
	}
	if n := list(&gatehousev1.ListGrantsRequest{Subject: first.GetSubject()}); n != 2 {
		t.Errorf("%d grants of the user", n)
	}
	if n := list(&gatehousev1.ListGrantsRequest{ClientId: second.GetClientId()}); n != 1 {
		t.Errorf("%d grants of the client", n)
	}
	revoke := func(request *gatehousev1.RevokeGrantsRequest) int32 {
		t.Helper()
		revoked, err := r.admin.RevokeGrants(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		return revoked.GetRevokedGrants()
	}
	byClient := &gatehousev1.RevokeGrantsRequest{Selector: &gatehousev1.RevokeGrantsRequest_ClientId{ClientId: first.GetClientId()}}
	bySubject := &gatehousev1.RevokeGrantsRequest{Selector: &gatehousev1.RevokeGrantsRequest_Subject{Subject: first.GetSubject()}}
	if n := revoke(byClient); n != 1 {
		t.Errorf("%d revoked by client", n)
	}
	if n := revoke(byClient); n != 0 {
		t.Errorf("%d revoked again", n)
	}
	if n := revoke(bySubject); n != 1 {
		t.Errorf("%d revoked by user", n)
	}
	if live, all := list(&gatehousev1.ListGrantsRequest{}), list(&gatehousev1.ListGrantsRequest{IncludeEnded: true}); live != 0 || all != 2 {
		t.Errorf("%d live of %d", live, all)
	}
	grant, err := r.admin.GetGrant(t.Context(), &gatehousev1.GetGrantRequest{GrantId: first.GetGrantId()})
	if err != nil || grant.GetGrant().GetRevokeReason() != "operator" || grant.GetGrant().GetRevokeTime() == nil {
		t.Errorf("grant = %v, %v", grant, err)
	}
}

func TestRevokingNothingInParticularRevokesNothing(t *testing.T) {
	r := newRig(t)
	token := r.login(t).GetAccessToken()
	for _, request := range []*gatehousev1.RevokeGrantsRequest{
		{},
		{Selector: &gatehousev1.RevokeGrantsRequest_ClientId{}},
		{Selector: &gatehousev1.RevokeGrantsRequest_Subject{}},
	} {
		if _, err := r.admin.RevokeGrants(t.Context(), request); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v: %v", request, err)
		}
	}
	_, err := r.admin.RevokeGrants(t.Context(), &gatehousev1.RevokeGrantsRequest{Selector: &gatehousev1.RevokeGrantsRequest_GrantId{GrantId: "none"}})
	wantReason(t, err, "not_found")
	if !r.verify(t, token).GetActive() {
		t.Error("a grant ended")
	}
}

func TestDeletingAClientEndsItsGrantsAtOnce(t *testing.T) {
	r := newRig(t)
	token := r.login(t).GetAccessToken()
	clientID := r.verify(t, token).GetClientId()
	deleted, err := r.admin.DeleteClient(t.Context(), &gatehousev1.DeleteClientRequest{ClientId: clientID})
	if err != nil || deleted.GetRevokedGrants() != 1 {
		t.Fatalf("deleted = %v, %v", deleted, err)
	}
	if r.verify(t, token).GetActive() {
		t.Error("its token still works")
	}
	_, err = r.admin.GetClient(t.Context(), &gatehousev1.GetClientRequest{ClientId: clientID})
	wantReason(t, err, "not_found")
}

// Clients that are in use are remembered for a minute, also by a replica that did not delete them.
func TestClientThatIsGoneIsToldSoAtOnce(t *testing.T) {
	r := newRig(t)
	s := r.session(t, r.register(t))
	second := s.mustRefresh(t, s.tokens.GetRefreshToken())
	if _, err := r.admin.DeleteClient(t.Context(), &gatehousev1.DeleteClientRequest{ClientId: s.clientID}); err != nil {
		t.Fatal(err)
	}
	_, err := s.refresh(t, second.GetRefreshToken())
	wantReason(t, err, "invalid_client")
}

// A code of a minute ago would otherwise bring back what was just ended.
func TestCodeThatIsNotRedeemedEndsWithTheGrants(t *testing.T) {
	r := newRig(t)
	for name, end := range map[string]func(clientID, subject string) error{
		"of the client": func(clientID, _ string) error {
			_, err := r.admin.RevokeGrants(t.Context(), &gatehousev1.RevokeGrantsRequest{
				Selector: &gatehousev1.RevokeGrantsRequest_ClientId{ClientId: clientID},
			})
			return err
		},
		"of the user": func(_, subject string) error {
			_, err := r.admin.RevokeGrants(t.Context(), &gatehousev1.RevokeGrantsRequest{
				Selector: &gatehousev1.RevokeGrantsRequest_Subject{Subject: subject},
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			subject := r.verify(t, r.login(t).GetAccessToken()).GetSubject()
			clientID := r.register(t)
			req := tokenRequest(clientID, r.code(t, clientID))
			if err := end(clientID, subject); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time is no replay either: there is nothing that it could end
				_, err := r.ExchangeToken(t.Context(), req)
				wantReason(t, err, "invalid_grant")
			}
			grants, err := r.admin.ListGrants(t.Context(), &gatehousev1.ListGrantsRequest{ClientId: clientID, IncludeEnded: true})
			if err != nil || len(grants.GetGrants()) != 0 {
				t.Errorf("%v, %v", grants, err)
			}
		})
	}
}
