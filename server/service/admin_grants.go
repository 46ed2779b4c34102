package service

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// ListGrants lists grants.
func (a *Admin) ListGrants(ctx context.Context, req *gatehousev1.ListGrantsRequest) (*gatehousev1.ListGrantsResponse, error) {
	query := fmt.Sprintf("grants %q %q %t", req.GetClientId(), req.GetSubject(), req.GetIncludeEnded())
	page, err := a.deps.Pages.open(query, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	grants, err := a.deps.Store.ListGrants(ctx, storage.GrantFilter{
		ClientID:     req.GetClientId(),
		UserID:       req.GetSubject(),
		IncludeEnded: req.GetIncludeEnded(),
		Now:          a.deps.Now(),
	}, page)
	if err != nil {
		return nil, oauth.Unavailable(err)
	}
	response := &gatehousev1.ListGrantsResponse{}
	for _, detail := range grants {
		response.Grants = append(response.Grants, grantMessage(detail))
	}
	if len(grants) == page.Limit {
		last := grants[len(grants)-1].Grant
		response.NextPageToken = a.deps.Pages.seal(query, storage.Cursor{CreateTime: last.CreateTime, ID: last.ID})
	}
	return response, nil
}

// GetGrant returns one grant.
func (a *Admin) GetGrant(ctx context.Context, req *gatehousev1.GetGrantRequest) (*gatehousev1.GetGrantResponse, error) {
	filter := storage.GrantFilter{ID: req.GetGrantId(), IncludeEnded: true, Now: a.deps.Now()}
	found, err := a.deps.Store.ListGrants(ctx, filter, storage.Page{Limit: 1})
	if err == nil && len(found) == 0 {
		err = storage.ErrNotFound
	}
	if err != nil {
		return nil, adminError(err, "There is no such grant.")
	}
	return &gatehousev1.GetGrantResponse{Grant: grantMessage(found[0])}, nil
}

// RevokeGrants revokes grants by id, client or user.
func (a *Admin) RevokeGrants(ctx context.Context, req *gatehousev1.RevokeGrantsRequest) (*gatehousev1.RevokeGrantsResponse, error) {
	if id := req.GetGrantId(); id != "" {
		if _, err := a.deps.Store.Grant(ctx, id); err != nil {
			return nil, adminError(err, "There is no such grant.")
		}
	}
	revoked, err := a.revokeAll(ctx, storage.GrantFilter{
		ID:       req.GetGrantId(),
		ClientID: req.GetClientId(),
		UserID:   req.GetSubject(),
	}, storage.RevokedByOperator)
	if err != nil {
		return nil, oauth.Unavailable(err)
	}
	return &gatehousev1.RevokeGrantsResponse{RevokedGrants: count(revoked)}, nil
}

// revokeStep is how many grants are revoked in one step. A store takes a part of a second for so many.
const revokeStep = 5_000

// revokeAll revokes what a filter selects, and returns how many grants that were. In one step, those of a client that
// everybody uses would hold up whoever else writes, or take longer than the database waits and so never end. What an
// error leaves undone is for the next call.
func (a *Admin) revokeAll(ctx context.Context, filter storage.GrantFilter, reason string) (total int, err error) {
	filter.AtMost, filter.Now = revokeStep, a.deps.Now()
	for {
		revoked, err := a.deps.Store.RevokeGrants(ctx, filter, reason)
		if err != nil {
			return total, err
		}
		if len(revoked) == 0 { // fewer than a step may also mean that somebody else revokes the same ones
			return total, nil
		}
		a.deps.Revoker.Revoked(revoked...)
		total += len(revoked)
	}
}

func grantMessage(detail storage.GrantDetail) *gatehousev1.Grant {
	grant := detail.Grant
	return &gatehousev1.Grant{
		GrantId:      grant.ID,
		ClientId:     grant.ClientID,
		ClientName:   detail.ClientName,
		Subject:      grant.UserID,
		Identity:     identityMessage(detail.User),
		Resource:     grant.Resource,
		Scopes:       grant.Scopes,
		CreateTime:   timestamp(grant.CreateTime),
		LastUsedTime: timestamp(grant.LastUsedTime),
		ExpireTime:   timestamp(grant.ExpireTime),
		RevokeTime:   timestamp(grant.RevokeTime),
		RevokeReason: grant.RevokeReason,
	}
}

// timestamp leaves an absent time absent.
func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
