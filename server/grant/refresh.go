package grant

import (
	"context"
	"errors"
	"slices"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/token"
)

// errRefresh is the one answer to a refresh token that is unknown, used, expired or another client's.
func errRefresh() *oauth.Error {
	return oauth.NewError(oauth.InvalidGrant, "The refresh token is not valid. Start a new login.")
}

// refreshToken rotates a refresh token (RFC 6749 section 6, OAuth 2.1 section 4.3.1). It is one local transaction and
// never calls the provider, so clients may refresh as often and as oddly as they do.
//
// A client whose answer was lost presents the predecessor again and gets the same successor, for a short time. Any other
// reuse means that two hold the token, and ends this grant, not the other installations of the client.
func (e *Exchanger) refreshToken(ctx context.Context, client storage.Client, request Request) (Response, error) {
	if request.RefreshToken.IsEmpty() {
		return Response{}, oauth.NewError(oauth.InvalidRequest, "refresh_token is missing.")
	}
	if !slices.Contains(client.GrantTypes, registration.GrantRefreshToken) {
		return Response{}, oauth.NewError(oauth.UnauthorizedClient, "The client did not register grant_type=refresh_token.")
	}
	id, ok := e.deps.RefreshTokens.Parse(request.RefreshToken)
	if !ok {
		return Response{}, errRefresh()
	}
	grant, err := e.deps.Store.Grant(ctx, id.GrantID)
	if errors.Is(err, storage.ErrNotFound) {
		return Response{}, errRefresh().WithCause(err)
	}
	if err != nil {
		return Response{}, oauth.Unavailable(err)
	}
	if grant.ClientID != client.ID {
		return Response{}, errRefresh() // a stranger can end nothing
	}
	scopes, err := e.narrow(grant, request)
	if err != nil {
		return Response{}, err
	}
	return e.rotate(ctx, id, request.RefreshToken, scopes)
}

// narrow checks resource and scope against the grant before anything changes. Scopes may shrink for this access token;
// the grant keeps them.
func (e *Exchanger) narrow(grant storage.Grant, request Request) (oauth.Scopes, error) {
	if err := e.checkResource(request.Resource, grant.Resource); err != nil {
		return nil, err
	}
	granted := oauth.Scopes(grant.Scopes)
	if request.Scope == "" {
		return granted, nil
	}
	scopes, err := oauth.ParseScopes(request.Scope)
	if err != nil {
		return nil, err
	}
	if !granted.ContainsAll(scopes) {
		return nil, oauth.NewError(oauth.InvalidScope, "The scope is wider than what was granted.")
	}
	return scopes, nil
}

func (e *Exchanger) rotate(ctx context.Context, id token.RefreshID, presented secret.Text, scopes oauth.Scopes) (Response, error) {
	now := e.deps.Now()
	next := token.RefreshID{GrantID: id.GrantID, Generation: id.Generation + 1}
	successor, err := e.deps.RefreshTokens.Make(next)
	if err != nil {
		return Response{}, oauth.Unavailable(err)
	}
	rotated, err := e.deps.Store.RotateRefreshToken(ctx, storage.Rotation{
		GrantID:    id.GrantID,
		Generation: id.Generation,
		Hash:       presented.Hash(),
		Next:       successor.Hash(),
		NextExpire: now.Add(e.config.RefreshIdleTTL),
		Grace:      e.config.RefreshGrace,
		Now:        now,
	})
	switch {
	case errors.Is(err, storage.ErrUsed):
		e.deps.Revoker.Revoked(id.GrantID)
		e.deps.Logger.WarnContext(ctx, "refresh token reused: grant revoked", "grant_id", id.GrantID, "generation", id.Generation)
		return Response{}, errRefresh().WithCause(err)
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrRevoked), errors.Is(err, storage.ErrExpired):
		return Response{}, errRefresh().WithCause(err)
	case err != nil:
		return Response{}, oauth.Unavailable(err)
	}
	if rotated.Repeated {
		// The signing key may have changed since: the stored hash says which token the first answer carried.
		if successor, err = e.deps.RefreshTokens.Remake(next, rotated.Grant.Refresh.Hash); err != nil {
			return Response{}, oauth.Unavailable(err)
		}
	}
	return e.respond(rotated.Grant, scopes, successor, now)
}
