package grant

import (
	"context"
	"errors"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Revoke ends the grant behind a token of the client (RFC 7009 section 2). A token that is unknown, expired or not the
// client's changes nothing and is no error, so nobody learns anything by trying.
func (e *Exchanger) Revoke(ctx context.Context, credentials registration.Credentials, text secret.Text) error {
	if text.IsEmpty() {
		return oauth.NewError(oauth.InvalidRequest, "token is missing.")
	}
	client, err := e.deps.Clients.Authenticate(ctx, credentials)
	if err != nil {
		return err
	}
	grantID, ok := e.grantOf(text)
	if !ok {
		return nil
	}
	grant, err := e.deps.Store.Grant(ctx, grantID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return oauth.Unavailable(err)
	}
	if grant.ClientID != client.ID {
		return nil
	}
	filter := storage.GrantFilter{ID: grantID, Now: e.deps.Now()}
	revoked, err := e.deps.Store.RevokeGrants(ctx, filter, storage.RevokedByClient)
	if err != nil {
		return oauth.Unavailable(err)
	}
	e.deps.Revoker.Revoked(revoked...)
	return nil
}

// grantOf proves a token and returns the grant that it belongs to.
func (e *Exchanger) grantOf(text secret.Text) (string, bool) {
	if id, ok := e.deps.RefreshTokens.Parse(text); ok {
		return id.GrantID, true
	}
	claims, err := e.deps.Parser.Parse(text.Reveal())
	return claims.GrantID, err == nil
}
