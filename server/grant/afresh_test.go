package grant_test

import (
	"context"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/grant"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// familiar remembers its only client, which is gone meanwhile.
type familiar struct{ asked int }

func (f *familiar) Recognize(context.Context, registration.Credentials) (storage.ClientAuthentication, bool, error) {
	return storage.ClientAuthentication{ID: "client"}, true, nil
}

func (f *familiar) Authenticate(context.Context, registration.Credentials) (storage.ClientAuthentication, error) {
	f.asked++
	return storage.ClientAuthentication{}, oauth.NewError(oauth.InvalidClient, "The client is gone.")
}

// codes has no code, and says why.
type codes struct {
	grant.Store
	err error
}

func (c codes) Code(context.Context, secret.Hash) (storage.Code, error) { return storage.Code{}, c.err }

// A store that is out makes its callers wait for seconds. None waits twice.
func TestOnlyWhoIsRefusedIsAuthenticatedAfresh(t *testing.T) {
	for err, want := range map[error]struct {
		code  oauth.Code
		asked int
	}{
		storage.ErrNotFound:    {oauth.InvalidClient, 1},
		storage.ErrUnavailable: {oauth.TemporarilyUnavailable, 0},
	} {
		clients := new(familiar)
		exchanger := grant.New(grant.Deps{Clients: clients, Store: codes{err: err}}, grant.Config{})
		_, answer := exchanger.Exchange(t.Context(), grant.Request{
			GrantType: registration.GrantAuthorizationCode, Code: secret.NewText("code"),
		})
		if oauth.CodeOf(answer) != want.code || clients.asked != want.asked {
			t.Errorf("%v: %v after %d authentications, want %s after %d", err, answer, clients.asked, want.code, want.asked)
		}
	}
}
