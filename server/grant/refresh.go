package grant

import (
	"context"
	"errors"
	"slices"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
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
func (e *Exchanger) refreshToken(ctx context.Context, client storage.ClientAuthentication, request Request) (Response, error) {
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
	rotation := storage.Rotation{
		GrantID: id.GrantID, ClientID: client.ID, Generation: id.Generation, Hash: request.RefreshToken.Hash(),
		ClientUsedTime: client.LastUsedTime,
	}
	if err := e.narrow(&rotation, request); err != nil {
		return Response{}, err
	}
	return e.rotate(ctx, rotation)
}

// narrow sets what the request asks for. Scopes may shrink for this access token; the grant keeps them.
func (e *Exchanger) narrow(rotation *storage.Rotation, request Request) error {
	if request.Resource != "" {
		resource, err := e.config.Resources.Select([]string{request.Resource})
		if err != nil {
			return err
		}
		rotation.Resource = resource.URI
	}
	if request.Scope != "" {
		scopes, err := oauth.ParseScopes(request.Scope)
		if err != nil {
			return err
		}
		rotation.Scopes = scopes
	}
	return nil
}

// rotate has the store decide, and issues what it allows.
func (e *Exchanger) rotate(ctx context.Context, rotation storage.Rotation) (Response, error) {
	now := e.deps.Now()
	next := token.RefreshID{GrantID: rotation.GrantID, Generation: rotation.Generation + 1}
	successor, err := e.deps.RefreshTokens.Make(next)
	if err != nil {
		return Response{}, oauth.Unavailable(err)
	}
	rotation.Next, rotation.NextExpire = successor.Hash(), now.Add(e.config.RefreshIdleTTL)
	rotation.Grace, rotation.Now = e.config.RefreshGrace, now
	rotated, err := e.deps.Store.RotateRefreshToken(ctx, rotation)
	if err != nil {
		return Response{}, e.refused(ctx, rotation, err)
	}
	if rotated.Repeated {
		// The signing key may have changed since: the stored hash says which token the first answer carried.
		if successor, err = e.deps.RefreshTokens.Remake(next, rotated.Grant.Refresh.Hash); err != nil {
			return Response{}, oauth.Unavailable(err)
		}
	}
	scopes := oauth.Scopes(rotation.Scopes)
	if len(scopes) == 0 {
		scopes = rotated.Grant.Scopes
	}
	return e.respond(rotated.Grant, scopes, successor, now)
}

// refused says why there was no rotation. A replay has ended the grant.
func (e *Exchanger) refused(ctx context.Context, rotation storage.Rotation, err error) error {
	switch {
	case errors.Is(err, storage.ErrUsed):
		e.deps.Revoker.Revoked(rotation.GrantID)
		e.deps.Logger.WarnContext(ctx, "refresh token reused: grant revoked",
			"grant_id", rotation.GrantID, "generation", rotation.Generation)
		return errRefresh().WithCause(err)
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrRevoked), errors.Is(err, storage.ErrExpired):
		return errRefresh().WithCause(err)
	case errors.Is(err, storage.ErrResource):
		return errOtherResource().WithCause(err)
	case errors.Is(err, storage.ErrScope):
		return oauth.NewError(oauth.InvalidScope, "The scope is wider than what was granted.").WithCause(err)
	default:
		return oauth.Unavailable(err)
	}
}
