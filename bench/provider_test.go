package bench

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// provider logs everybody in as one person, at once and without a network, so that only Gatehouse is measured. Its
// tokens are as long as those of Keycloak.
type provider struct{}

func (provider) Name() string { return "keycloak" }

func (provider) DisplayName() string { return "Keycloak" }

func (provider) AuthorizationURL(_ context.Context, request upstream.AuthorizationRequest) (string, error) {
	return "https://sso.example.com/authorize?state=" + request.State.Reveal(), nil
}

func (provider) Exchange(context.Context, upstream.ExchangeRequest) (upstream.Login, error) {
	return upstream.Login{
		Identity: upstream.Identity{
			Issuer:            "https://sso.example.com/realms/staff",
			Subject:           "5d9b7c3e-8f55-4f2a-9f0e-6b1f3a0c2d47",
			Name:              "Ada Lovelace",
			GivenName:         "Ada",
			FamilyName:        "Lovelace",
			Email:             "ada.lovelace@example.com",
			EmailVerified:     true,
			PreferredUsername: "ada",
		},
		Tokens: upstream.Tokens{
			AccessToken:      secret.NewText(strings.Repeat("a", 1200)),
			RefreshToken:     secret.NewText(strings.Repeat("r", 600)),
			IDToken:          secret.NewText(strings.Repeat("i", 1000)),
			AccessExpireTime: time.Now().Add(time.Hour),
		},
	}, nil
}

func (provider) Check(context.Context, upstream.Tokens) error { return nil }

func (provider) Renew(context.Context, upstream.Tokens) (upstream.Login, error) {
	return upstream.Login{}, errors.New("nothing here lives long enough to be renewed")
}

func (provider) Confirm(context.Context, upstream.Tokens) error { return nil }

func (provider) Revoke(context.Context, upstream.Tokens) error { return nil }

func (provider) ReadLogoutToken(context.Context, secret.Text) (upstream.LogoutToken, error) {
	return upstream.LogoutToken{}, errors.New("nobody logs out here")
}

func (provider) Ready(context.Context) error { return nil }
