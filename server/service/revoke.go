package service

import (
	"context"
	"strings"

	"google.golang.org/grpc/metadata"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/verify"
)

// RevokeToken ends the grant behind a token of the caller.
func (a *Auth) RevokeToken(ctx context.Context, req *gatehousev1.RevokeTokenRequest) (*gatehousev1.RevokeTokenResponse, error) {
	if err := a.deps.Exchanger.Revoke(ctx, credentials(ctx, req), secret.NewText(req.GetToken())); err != nil {
		return nil, err
	}
	return &gatehousev1.RevokeTokenResponse{}, nil
}

// ReceiveLogoutToken ends what stands on a session of the provider.
func (a *Auth) ReceiveLogoutToken(ctx context.Context, req *gatehousev1.ReceiveLogoutTokenRequest) (*gatehousev1.ReceiveLogoutTokenResponse, error) {
	revoked, err := a.deps.Logouts.Logout(ctx, secret.NewText(req.GetLogoutToken()))
	if err != nil {
		return nil, err
	}
	return &gatehousev1.ReceiveLogoutTokenResponse{RevokedGrants: count(len(revoked))}, nil
}

// IntrospectToken tells a resource server about an access token.
func (a *Auth) IntrospectToken(ctx context.Context, req *gatehousev1.IntrospectTokenRequest) (*gatehousev1.IntrospectTokenResponse, error) {
	if err := a.authorizeIntrospection(ctx, req); err != nil {
		return nil, err
	}
	if req.GetToken() == "" {
		return nil, oauth.NewError(oauth.InvalidRequest, "token is missing.")
	}
	for _, resource := range a.discovery.Resources {
		verdict, err := a.deps.Verifier.Verify(ctx, verify.Request{Token: secret.NewText(req.GetToken()), Resource: resource.URI})
		if err != nil {
			return nil, err
		}
		if verdict.Active() {
			return introspection(verdict), nil
		}
	}
	return &gatehousev1.IntrospectTokenResponse{Active: new(false)}, nil
}

// authorizeIntrospection lets operators ask, and confidential clients that an operator registered. A client that
// registered itself learns nothing about tokens, not even its own.
func (a *Auth) authorizeIntrospection(ctx context.Context, req *gatehousev1.IntrospectTokenRequest) error {
	for _, value := range metadata.ValueFromIncomingContext(ctx, "authorization") {
		scheme, presented, _ := strings.Cut(value, " ")
		if strings.EqualFold(scheme, "bearer") && a.deps.Operator(secret.NewText(presented)) {
			return nil
		}
	}
	client, err := a.deps.Authenticator.Authenticate(ctx, credentials(ctx, req))
	if err != nil {
		return err
	}
	if client.Origin != storage.OriginOperator || client.AuthMethod == registration.MethodNone {
		return oauth.NewError(oauth.InvalidClient, "The client may not introspect tokens.")
	}
	return nil
}

func introspection(verdict *verify.Verdict) *gatehousev1.IntrospectTokenResponse {
	claims := verdict.Claims
	return &gatehousev1.IntrospectTokenResponse{
		Active:    new(true),
		Scope:     claims.Scope,
		ClientId:  claims.ClientID,
		Username:  verdict.User.PreferredUsername,
		TokenType: "Bearer",
		Exp:       uint32(claims.Expiry),   //nolint:gosec // good until 2106; int64 would become a JSON string
		Iat:       uint32(claims.IssuedAt), //nolint:gosec // as above
		Sub:       claims.Subject,
		Aud:       claims.Audience,
		Iss:       claims.Issuer,
		Jti:       claims.ID,
	}
}
