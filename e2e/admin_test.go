package e2e

import (
	"context"
	"net/http"
	"testing"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// admin is the operator's way in.
func (d *deployment) admin(t *testing.T) (gatehousev1.AdminServiceClient, context.Context) {
	t.Helper()
	return gatehousev1.NewAdminServiceClient(d.dial(t)), withToken(t.Context(), d.adminToken(t))
}

// endGrants ends the grants of a client, as an operator does.
func (d *deployment) endGrants(t *testing.T, c client) {
	t.Helper()
	admin, ctx := d.admin(t)
	_, err := admin.RevokeGrants(ctx, &gatehousev1.RevokeGrantsRequest{
		Selector: &gatehousev1.RevokeGrantsRequest_ClientId{ClientId: c.id},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// administers walks an operator through clients and grants to a revocation, which the client feels.
func administers(t *testing.T, d *deployment) {
	mine, others := d.connect(t, d.alice), d.connect(t, d.bob)
	admin, ctx := d.admin(t)

	clients, err := admin.ListClients(ctx, &gatehousev1.ListClientsRequest{PageSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := clients.GetClients(); len(got) != 2 || got[0].GetClientId() != others.id || got[1].GetClientId() != mine.id {
		t.Errorf("the newest clients are %v", got)
	}
	grants, err := admin.ListGrants(ctx, &gatehousev1.ListGrantsRequest{ClientId: mine.id})
	if err != nil {
		t.Fatal(err)
	}
	if len(grants.GetGrants()) != 1 {
		t.Fatalf("%d grants of the client, want 1", len(grants.GetGrants()))
	}
	grant := grants.GetGrants()[0]
	if grant.GetResource() != d.resource() || grant.GetIdentity().GetPreferredUsername() != d.alice.username {
		t.Errorf("the grant is %v", grant)
	}

	revoke := &gatehousev1.RevokeGrantsRequest{
		Selector: &gatehousev1.RevokeGrantsRequest_GrantId{GrantId: grant.GetGrantId()},
	}
	for _, want := range []int32{1, 0} {
		revoked, err := admin.RevokeGrants(ctx, revoke)
		if err != nil || revoked.GetRevokedGrants() != want {
			t.Errorf("revoked %d grants, %v; want %d", revoked.GetRevokedGrants(), err, want)
		}
	}
	eventually(t, revocationDelay, "the end of the revoked token", func() bool {
		return d.mcpStatus(t, mine.access) == http.StatusUnauthorized
	})
	if status := d.mcpStatus(t, others.access); status != http.StatusOK {
		t.Errorf("the token of another client is refused: %d", status)
	}
	d.checkInvalidGrant(t, "the refresh token of the revoked grant", refreshForm(mine))

	deleted, err := admin.DeleteClient(ctx, &gatehousev1.DeleteClientRequest{ClientId: others.id})
	if err != nil || deleted.GetRevokedGrants() != 1 {
		t.Errorf("DeleteClient = %v, %v; want one grant revoked", deleted, err)
	}
	eventually(t, revocationDelay, "the end of the deleted client's token", func() bool {
		return d.mcpStatus(t, others.access) == http.StatusUnauthorized
	})
	if answer := d.exchange(t, refreshForm(others)); answer.Text("error") != "invalid_client" {
		t.Errorf("the deleted client at the token endpoint: %s", answer)
	}
}
