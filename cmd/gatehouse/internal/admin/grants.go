package admin

import (
	"context"
	"fmt"
	"strings"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// GrantFilter says which grants. At most one field is used to revoke.
type GrantFilter struct {
	Grant, Client, Subject string
	Ended                  bool
}

// ListGrants lists grants.
func (a *Admin) ListGrants(ctx context.Context, filter GrantFilter) error {
	all := &gatehousev1.ListGrantsResponse{}
	for token := ""; ; {
		page, err := call(ctx, a.client.ListGrants, &gatehousev1.ListGrantsRequest{
			PageSize: pageSize, PageToken: token, ClientId: filter.Client, Subject: filter.Subject, IncludeEnded: filter.Ended,
		})
		if err != nil {
			return err
		}
		all.Grants = append(all.Grants, page.GetGrants()...)
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	var rows [][]string
	for _, grant := range all.GetGrants() {
		rows = append(rows, []string{
			grant.GetGrantId(), grant.GetIdentity().GetEmail(), grant.GetSubject(), grant.GetClientName(),
			when(grant.GetCreateTime()), when(grant.GetLastUsedTime()), state(grant),
		})
	}
	return a.print(all, "GRANT\tE-MAIL\tSUBJECT\tCLIENT\tSINCE\tLAST USED\tSTATE", rows)
}

// ShowGrant shows one grant.
func (a *Admin) ShowGrant(ctx context.Context, id string) error {
	response, err := call(ctx, a.client.GetGrant, &gatehousev1.GetGrantRequest{GrantId: id})
	if err != nil {
		return err
	}
	grant := response.GetGrant()
	return a.print(grant, "FIELD\tVALUE", [][]string{
		{"grant", grant.GetGrantId()},
		{"state", state(grant)},
		{"user", strings.TrimSpace(grant.GetIdentity().GetName() + " " + grant.GetIdentity().GetEmail())},
		{"subject", grant.GetSubject()},
		{"at the provider", grant.GetIdentity().GetIssuer() + " " + grant.GetIdentity().GetSubject()},
		{"client", grant.GetClientId() + " " + grant.GetClientName()},
		{"resource", grant.GetResource()},
		{"scopes", strings.Join(grant.GetScopes(), " ")},
		{"since", when(grant.GetCreateTime())},
		{"last used", when(grant.GetLastUsedTime())},
		{"ends by itself", when(grant.GetExpireTime())},
	})
}

// RevokeGrants ends one grant, or all of a client or a user.
func (a *Admin) RevokeGrants(ctx context.Context, filter GrantFilter) error {
	request := &gatehousev1.RevokeGrantsRequest{}
	var what string
	switch {
	case filter.Grant != "":
		request.Selector, what = &gatehousev1.RevokeGrantsRequest_GrantId{GrantId: filter.Grant}, "grant "+filter.Grant
	case filter.Client != "":
		request.Selector, what = &gatehousev1.RevokeGrantsRequest_ClientId{ClientId: filter.Client}, "every login of client "+filter.Client
	default:
		request.Selector, what = &gatehousev1.RevokeGrantsRequest_Subject{Subject: filter.Subject}, "every login of user "+filter.Subject
	}
	if err := a.console.Confirm(ctx, "End "+what+"?"); err != nil {
		return err
	}
	revoked, err := call(ctx, a.client.RevokeGrants, request)
	if err != nil {
		return err
	}
	return a.print(revoked, "LOGINS ENDED", [][]string{{fmt.Sprint(revoked.GetRevokedGrants())}})
}

func state(grant *gatehousev1.Grant) string {
	if grant.GetRevokeTime() != nil {
		return "ended " + when(grant.GetRevokeTime()) + " by " + grant.GetRevokeReason()
	}
	return "live"
}
