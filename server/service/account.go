package service

import (
	"cmp"
	"context"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// maxApplications is the most grants that an account page shows.
const maxApplications = 200

// BeginAccountLogin starts a login for the account page.
func (a *Auth) BeginAccountLogin(ctx context.Context, _ *gatehousev1.BeginAccountLoginRequest) (*gatehousev1.BeginAccountLoginResponse, error) {
	decision, err := a.deps.Flow.BeginAccount(ctx)
	if err != nil {
		return nil, err
	}
	return &gatehousev1.BeginAccountLoginResponse{
		Uri:           decision.UpstreamURL,
		State:         decision.State.Reveal(),
		BrowserSecret: decision.BrowserSecret.Reveal(),
		ExpireTime:    timestamppb.New(decision.Transaction.ExpireTime),
	}, nil
}

// GetAccount returns the signed-in user and what they allowed.
func (a *Auth) GetAccount(ctx context.Context, req *gatehousev1.GetAccountRequest) (*gatehousev1.GetAccountResponse, error) {
	session, user, err := a.deps.Flow.Account(ctx, secret.NewText(req.GetSessionSecret()))
	if err != nil {
		return nil, err
	}
	grants, err := a.deps.Grants.ListGrants(ctx,
		storage.GrantFilter{UserID: user.ID, Now: a.deps.Now()}, storage.Page{Limit: maxApplications})
	if err != nil {
		return nil, oauth.Unavailable(err)
	}
	slices.SortStableFunc(grants, func(x, y storage.GrantDetail) int {
		return cmp.Compare(y.Grant.LastUsedTime.UnixMicro(), x.Grant.LastUsedTime.UnixMicro())
	})
	response := &gatehousev1.GetAccountResponse{
		Identity:   identityMessage(user),
		ExpireTime: timestamppb.New(session.ExpireTime),
	}
	for _, detail := range grants {
		response.Applications = append(response.Applications, &gatehousev1.ConnectedApplication{
			GrantId:      detail.Grant.ID,
			ClientName:   detail.ClientName,
			ClientOrigin: originMessage(detail.ClientOrigin),
			ClientId:     detail.Grant.ClientID,
			Resource:     detail.Grant.Resource,
			Scopes:       detail.Grant.Scopes,
			CreateTime:   timestamp(detail.Grant.CreateTime),
			LastUsedTime: timestamp(detail.Grant.LastUsedTime),
		})
	}
	return response, nil
}

// DisconnectGrants ends grants of the signed-in user. The user is always part of the filter, so that nobody's id of a
// grant reaches another's.
func (a *Auth) DisconnectGrants(ctx context.Context, req *gatehousev1.DisconnectGrantsRequest) (*gatehousev1.DisconnectGrantsResponse, error) {
	_, user, err := a.deps.Flow.Account(ctx, secret.NewText(req.GetSessionSecret()))
	if err != nil {
		return nil, err
	}
	filter := storage.GrantFilter{UserID: user.ID, ID: req.GetGrantId(), Now: a.deps.Now()}
	if filter.ID == "" && !req.GetAll() {
		return nil, oauth.NewError(oauth.InvalidRequest, "Nothing is chosen.")
	}
	revoked, err := a.deps.Grants.RevokeGrants(ctx, filter, storage.RevokedByUser)
	if err != nil {
		return nil, oauth.Unavailable(err)
	}
	if filter.ID != "" && len(revoked) == 0 {
		return nil, oauth.NewError(oauth.NotFound, "There is no such application.")
	}
	a.deps.Revoker.Revoked(revoked...)
	return &gatehousev1.DisconnectGrantsResponse{RevokedGrants: count(len(revoked))}, nil
}

// EndAccountSession signs the user out.
func (a *Auth) EndAccountSession(ctx context.Context, req *gatehousev1.EndAccountSessionRequest) (*gatehousev1.EndAccountSessionResponse, error) {
	if err := a.deps.Flow.EndAccount(ctx, secret.NewText(req.GetSessionSecret())); err != nil {
		return nil, err
	}
	return &gatehousev1.EndAccountSessionResponse{}, nil
}
