package grant

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/token"
)

// errCode is the one answer to a code that is unknown, used, expired or another client's.
func errCode() *oauth.Error {
	return oauth.NewError(oauth.InvalidGrant, "The code is not valid. Start a new login.")
}

// authorizationCode redeems a code (RFC 6749 section 4.1.3). What can be an honest mistake (another client, redirect
// URI or resource) leaves the code alone; a wrong verifier spends it, since its holder has stolen it or is broken. The
// guarded statement in RedeemCode decides, and nothing is signed before it has.
func (e *Exchanger) authorizationCode(ctx context.Context, client storage.ClientAuthentication, request Request) (Response, error) {
	if request.Code.IsEmpty() {
		return Response{}, oauth.NewError(oauth.InvalidRequest, "code is missing.")
	}
	code, err := e.deps.Store.Code(ctx, request.Code.Hash())
	if errors.Is(err, storage.ErrNotFound) {
		return Response{}, errCode().WithCause(err)
	}
	if err != nil {
		return Response{}, oauth.Unavailable(err)
	}
	if code.ClientID != client.ID {
		return Response{}, errCode()
	}
	if err := e.checkBinding(ctx, code, request); err != nil {
		return Response{}, err
	}
	return e.redeem(ctx, client, code)
}

// checkBinding compares the request with what was authorised.
func (e *Exchanger) checkBinding(ctx context.Context, code storage.Code, request Request) error {
	if !code.UseTime.IsZero() {
		return e.replayed(ctx, code)
	}
	if request.RedirectURI != code.RedirectURI && (code.RedirectGiven || request.RedirectURI != "") {
		return oauth.NewError(oauth.InvalidGrant, "redirect_uri differs from the one of the authorization request.")
	}
	if err := e.checkResource(request.Resource, code.Resource); err != nil {
		return err
	}
	err := oauth.Challenge(code.Challenge).Verify(request.CodeVerifier.Reveal())
	if oauth.CodeOf(err) == oauth.InvalidGrant {
		if burn := e.deps.Store.BurnCode(ctx, code.Hash, e.deps.Now()); errors.Is(burn, storage.ErrUnavailable) {
			return oauth.Unavailable(burn)
		}
	}
	return err
}

// redeem claims the code and issues what it stands for.
func (e *Exchanger) redeem(ctx context.Context, client storage.ClientAuthentication, code storage.Code) (Response, error) {
	now := e.deps.Now()
	grant := storage.Grant{
		ID:           code.GrantID,
		ClientID:     code.ClientID,
		UserID:       code.UserID,
		CredentialID: code.CredentialID,
		Resource:     code.Resource,
		Scopes:       code.Scopes,
		CreateTime:   now,
		LastUsedTime: now,
		ExpireTime:   now.Add(e.config.GrantMaximumTTL),
	}
	refreshToken, err := e.firstRefreshToken(client, &grant, now)
	if err != nil {
		return Response{}, oauth.Unavailable(err)
	}
	err = e.deps.Store.RedeemCode(ctx, code.Hash, now, grant)
	switch {
	case errors.Is(err, storage.ErrUsed):
		return Response{}, e.replayed(ctx, code)
	case errors.Is(err, storage.ErrExpired), errors.Is(err, storage.ErrNotFound):
		return Response{}, errCode().WithCause(err)
	case err != nil:
		return Response{}, oauth.Unavailable(err)
	}
	return e.respond(grant, grant.Scopes, refreshToken, now)
}

// firstRefreshToken makes generation 1, for clients that registered the grant type.
func (e *Exchanger) firstRefreshToken(client storage.ClientAuthentication, grant *storage.Grant, now time.Time) (secret.Text, error) {
	if !slices.Contains(client.GrantTypes, registration.GrantRefreshToken) {
		return secret.Text{}, nil
	}
	refreshToken, err := e.deps.RefreshTokens.Make(token.RefreshID{GrantID: grant.ID, Generation: 1})
	if err != nil {
		return secret.Text{}, err
	}
	grant.Refresh = &storage.Refresh{
		Generation: 1,
		Hash:       refreshToken.Hash(),
		ExpireTime: now.Add(e.config.RefreshIdleTTL),
	}
	return refreshToken, nil
}

// respond signs the access token. It never outlives its grant. Its expiry is in whole seconds and is rounded up, so that it
// does not end before expires_in says: clients that are refused early start a new login instead of refreshing.
func (e *Exchanger) respond(grant storage.Grant, scopes oauth.Scopes, refreshToken secret.Text, now time.Time) (Response, error) {
	life := e.config.AccessTokenTTL
	expiry := earlier(now.Add(life+time.Second-1).Truncate(time.Second), grant.ExpireTime)
	accessToken, err := e.deps.Minter.Mint(token.Subject{
		UserID:   grant.UserID,
		ClientID: grant.ClientID,
		GrantID:  grant.ID,
		Resource: grant.Resource,
		Scope:    scopes.String(),
	}, expiry)
	if err != nil {
		return Response{}, oauth.Unavailable(err)
	}
	return Response{
		AccessToken:  accessToken,
		ExpiresIn:    min(life, expiry.Sub(now)),
		RefreshToken: refreshToken,
		Scope:        scopes,
	}, nil
}

// replayed answers a second use of a code by its client: somebody has it who should not, so what the first use issued
// ends (RFC 6749 section 4.1.2). Codes of other clients do not come this far. A code that was burned, by a wrong verifier
// or with the grants of its user, has issued nothing: then this ends nothing, records nothing and says the same.
func (e *Exchanger) replayed(ctx context.Context, code storage.Code) error {
	filter := storage.GrantFilter{ID: code.GrantID, Now: e.deps.Now()}
	revoked, err := e.deps.Store.RevokeGrants(ctx, filter, storage.RevokedByCodeReplay)
	if err != nil {
		return oauth.Unavailable(err)
	}
	e.deps.Revoker.Revoked(revoked...)
	return errCode()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
