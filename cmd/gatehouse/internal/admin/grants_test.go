package admin

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func (c *core) ListGrants(
	_ context.Context, in *gatehousev1.ListGrantsRequest,
) (*gatehousev1.ListGrantsResponse, error) {
	c.listed = append(c.listed, in)
	part, next := page(c.grants, in.GetPageSize(), in.GetPageToken())
	return &gatehousev1.ListGrantsResponse{Grants: part, NextPageToken: next}, c.err
}

func (c *core) RevokeGrants(
	_ context.Context, in *gatehousev1.RevokeGrantsRequest,
) (*gatehousev1.RevokeGrantsResponse, error) {
	c.revoked = in
	c.changes = append(c.changes, "revoke grants")
	return &gatehousev1.RevokeGrantsResponse{RevokedGrants: 2}, c.err
}

func TestGrantsAreATable(t *testing.T) {
	d := newDesk(&core{grants: []*gatehousev1.Grant{
		{GrantId: "g", Subject: "u", ClientName: "App", Identity: &gatehousev1.Identity{Email: "a@example.com"}, CreateTime: noon},
		{GrantId: "h", RevokeTime: noon, RevokeReason: "operator"},
	}}, Console{})
	if err := d.ListGrants(t.Context(), GrantFilter{}); err != nil {
		t.Fatal(err)
	}
	d.check(t,
		"GRANT E-MAIL SUBJECT CLIENT SINCE LAST USED STATE",
		"g a@example.com u App 2026-11-24 12:00 - live",
		"h - - ended 2026-11-24 12:00 by operator")
}

func TestEveryPageIsOfTheSameFilter(t *testing.T) {
	c := &core{}
	for i := range pageSize + 1 {
		c.grants = append(c.grants, &gatehousev1.Grant{GrantId: fmt.Sprint(i)})
	}
	d := newDesk(c, Console{})
	if err := d.ListGrants(t.Context(), GrantFilter{Client: "c", Subject: "u", Ended: true}); err != nil {
		t.Fatal(err)
	}
	if len(c.listed) != 2 {
		t.Fatalf("%d pages", len(c.listed))
	}
	for i, token := range []string{"", fmt.Sprint(pageSize)} {
		want := &gatehousev1.ListGrantsRequest{
			PageSize: pageSize, PageToken: token, ClientId: "c", Subject: "u", IncludeEnded: true,
		}
		if !proto.Equal(c.listed[i], want) {
			t.Errorf("page %d: asked %v", i, c.listed[i])
		}
	}
}

func TestExactlyWhatWasNamedIsRevoked(t *testing.T) {
	for _, test := range []struct {
		filter GrantFilter
		want   *gatehousev1.RevokeGrantsRequest
	}{
		{GrantFilter{Grant: "g"}, &gatehousev1.RevokeGrantsRequest{Selector: &gatehousev1.RevokeGrantsRequest_GrantId{GrantId: "g"}}},
		{GrantFilter{Client: "c"}, &gatehousev1.RevokeGrantsRequest{Selector: &gatehousev1.RevokeGrantsRequest_ClientId{ClientId: "c"}}},
		{GrantFilter{Subject: "u"}, &gatehousev1.RevokeGrantsRequest{Selector: &gatehousev1.RevokeGrantsRequest_Subject{Subject: "u"}}},
	} {
		d := newDesk(&core{}, Console{Yes: true})
		if err := d.RevokeGrants(t.Context(), test.filter); err != nil || !proto.Equal(d.core.revoked, test.want) {
			t.Errorf("%+v: asked %v, %v", test.filter, d.core.revoked, err)
		}
		d.check(t, "LOGINS ENDED", "2")
	}
}
