package registration

import (
	"context"
	"errors"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Credentials is what a token request says of its client.
type Credentials struct {
	// Authorization is the Authorization header, empty when there was none.
	Authorization secret.Text
	// ClientID and ClientSecret are form parameters.
	ClientID     string
	ClientSecret secret.Text
}

// Authenticate identifies the client of a request by the method that it registered, and by no other (RFC 6749 section
// 2.3). Unknown clients and wrong secrets get the same answer. Nothing else of the request has been looked at, so a
// failure consumes nothing.
func (r *Registrar) Authenticate(ctx context.Context, c Credentials) (storage.ClientAuthentication, error) {
	presented, err := present(c)
	if err != nil {
		return storage.ClientAuthentication{}, err
	}
	return r.authenticate(ctx, presented)
}

func (r *Registrar) authenticate(ctx context.Context, presented presentation) (storage.ClientAuthentication, error) {
	client, err := r.deps.Store.ClientAuthentication(ctx, presented.id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return storage.ClientAuthentication{}, refused().WithCause(err)
	case err != nil:
		return storage.ClientAuthentication{}, oauth.Unavailable(err)
	case !presented.fits(client):
		return storage.ClientAuthentication{}, refused()
	}
	return client, nil
}

func refused() *oauth.Error {
	return oauth.NewError(oauth.InvalidClient, "The client is unknown, or did not authenticate as it registered.")
}

// presentation is one client id with the secret that came with it.
type presentation struct {
	id     string
	method string
	secret secret.Text
}

// fits reports whether the presentation proves the client. An empty Basic password of a public client is how go-sdk
// says that it has no secret.
func (p presentation) fits(client storage.ClientAuthentication) bool {
	if client.AuthMethod == MethodNone {
		return p.secret.IsEmpty()
	}
	return p.method == client.AuthMethod && client.SecretHash != nil && client.SecretHash.Equal(p.secret.Hash())
}

// present reads the credentials. More than one method in a request is an error (RFC 6749 section 2.3).
func present(c Credentials) (presentation, error) {
	id, password, basic, err := oauth.ParseBasic(c.Authorization.Reveal())
	switch {
	case err != nil:
		return presentation{}, err
	case basic && (!c.ClientSecret.IsEmpty() || c.ClientID != "" && c.ClientID != id):
		return presentation{}, oauth.NewError(oauth.InvalidRequest, "The request authenticates its client in two ways.")
	case basic:
		return presentation{id: id, method: MethodBasic, secret: secret.NewText(password)}, nil
	case c.ClientID == "":
		return presentation{}, oauth.NewError(oauth.InvalidClient, "The request names no client.")
	case c.ClientSecret.IsEmpty():
		return presentation{id: c.ClientID, method: MethodNone}, nil
	}
	return presentation{id: c.ClientID, method: MethodPost, secret: c.ClientSecret}, nil
}
