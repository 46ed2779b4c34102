package authorization

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/server/identifier"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// user is the record of a person at a provider.
func user(provider string, identity upstream.Identity, now time.Time) storage.User {
	return storage.User{
		ID:                identifier.User(provider, identity.Issuer, identity.Subject),
		Provider:          provider,
		Issuer:            identity.Issuer,
		Subject:           identity.Subject,
		Name:              identity.Name,
		GivenName:         identity.GivenName,
		FamilyName:        identity.FamilyName,
		Email:             identity.Email,
		EmailVerified:     identity.EmailVerified,
		PreferredUsername: identity.PreferredUsername,
		Groups:            identity.Groups,
		UpdateTime:        now,
	}
}
