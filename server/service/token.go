package service

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc/metadata"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/grant"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// ExchangeToken answers the token endpoint.
func (a *Auth) ExchangeToken(ctx context.Context, req *gatehousev1.ExchangeTokenRequest) (*gatehousev1.ExchangeTokenResponse, error) {
	response, err := a.deps.Exchanger.Exchange(ctx, grant.Request{
		Credentials:  credentials(ctx, req),
		GrantType:    req.GetGrantType(),
		Code:         secret.NewText(req.GetCode()),
		RedirectURI:  req.GetRedirectUri(),
		CodeVerifier: secret.NewText(req.GetCodeVerifier()),
		RefreshToken: secret.NewText(req.GetRefreshToken()),
		Scope:        req.GetScope(),
		Resource:     req.GetResource(),
	})
	if err != nil {
		return nil, err
	}
	return &gatehousev1.ExchangeTokenResponse{
		AccessToken:  response.AccessToken.Reveal(),
		TokenType:    "Bearer",
		ExpiresIn:    uint32(response.ExpiresIn / time.Second), //nolint:gosec // bounded by the grant's life
		RefreshToken: response.RefreshToken.Reveal(),
		Scope:        response.Scope.String(),
	}, nil
}

// authenticated is a request that carries client credentials.
type authenticated interface {
	GetClientId() string
	GetClientSecret() string
}

func credentials(ctx context.Context, req authenticated) registration.Credentials {
	return registration.Credentials{
		Authorization: clientAuthorization(ctx),
		ClientID:      req.GetClientId(),
		ClientSecret:  secret.NewText(req.GetClientSecret()),
	}
}

// clientAuthorization is the client's Authorization header. An edge in another process adds its own bearer token to the
// same metadata key, which is no business of the token endpoint.
func clientAuthorization(ctx context.Context) secret.Text {
	for _, value := range metadata.ValueFromIncomingContext(ctx, "authorization") {
		if scheme, _, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "basic") {
			return secret.NewText(value)
		}
	}
	return secret.Text{}
}
