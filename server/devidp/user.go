package devidp

import (
	"context"
	"errors"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

var (
	scopeGroups = goidc.NewScope("groups")
	claimNames  = []string{"name", "given_name", "family_name", "preferred_username", "email", "email_verified", "groups"}
)

// User is somebody who can log in.
type User struct {
	Subject       string // immutable and unlike the username, as it is at real providers
	Username      string
	Password      string // no secret: the login page shows it
	Name          string
	GivenName     string
	FamilyName    string
	Email         string
	EmailVerified bool
	Groups        []string
}

// DefaultUsers returns alice, who is an administrator, and bob. Their passwords are their usernames.
func DefaultUsers() []User {
	return []User{
		{
			Subject: "dev-1a2c61f0", Username: "alice", Password: "alice",
			Name: "Alice Archer", GivenName: "Alice", FamilyName: "Archer",
			Email: "alice@example.com", EmailVerified: true, Groups: []string{"staff", "admins"},
		},
		{
			Subject: "dev-7be3d094", Username: "bob", Password: "bob",
			Name: "Bob Baker", GivenName: "Bob", FamilyName: "Baker",
			Email: "bob@example.com", EmailVerified: true, Groups: []string{"staff"},
		},
	}
}

func validateUsers(users []User) error {
	seen := map[string]bool{}
	for _, user := range users {
		if user.Subject == "" || user.Username == "" || user.Password == "" {
			return errors.New("devidp: a user needs subject, username and password")
		}
		if seen["s"+user.Subject] || seen["u"+user.Username] {
			return errors.New("devidp: two users share a subject or a username")
		}
		seen["s"+user.Subject], seen["u"+user.Username] = true, true
	}
	return nil
}

// directory knows the users, and what tokens say about them.
type directory struct {
	clientID string
	users    []User
}

func newDirectory(cfg Config) directory { return directory{clientID: cfg.ClientID, users: cfg.Users} }

// logIn returns the user with these credentials.
func (d directory) logIn(username, password string) (User, bool) {
	for _, user := range d.users {
		if user.Username == username && user.Password == password {
			return user, true
		}
	}
	return User{}, false
}

// idTokenClaims returns the session, and the claims that the granted scopes release (OpenID Connect Core section 5.4).
func (d directory) idTokenClaims(_ context.Context, grant *goidc.Grant) map[string]any {
	claims := map[string]any{"sid": grant.ID} // every login is a session of its own
	for _, user := range d.users {
		if user.Subject != grant.Subject {
			continue
		}
		for scope := range strings.FieldsSeq(grant.Scopes) {
			switch scope {
			case "profile":
				claims["name"], claims["given_name"], claims["family_name"] = user.Name, user.GivenName, user.FamilyName
				claims["preferred_username"] = user.Username
				claims["groups"] = user.Groups
			case "email":
				claims["email"], claims["email_verified"] = user.Email, user.EmailVerified
			case "groups":
				claims["groups"] = user.Groups
			}
		}
	}
	return claims
}

// accessTokenClaims names the client as audience and authorized party.
func (d directory) accessTokenClaims(context.Context, *goidc.Token, *goidc.Grant) map[string]any {
	return map[string]any{"aud": d.clientID, "azp": d.clientID}
}
