package credential

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// returnTimeout bounds the return of tokens: somebody may wait for it, and nobody needs it.
const returnTimeout = 5 * time.Second

// Returner gives tokens back to the provider. Keycloak ends all that we have from one of its sessions when one refresh
// token of that session is revoked. So tokens stay where they are while something else of the same session is in use; they
// end with that session, or by themselves.
type Returner struct {
	Store    storage.Credentials
	Vault    Vault
	Provider interface {
		// Revoke gives tokens back.
		Revoke(ctx context.Context, tokens upstream.Tokens) error
	}
	Now func() time.Time
}

// Return gives back the tokens of a credential that is not stored, or not any more. It is no error that the provider does
// not know them.
func (r Returner) Return(ctx context.Context, record storage.Credential) error {
	ctx, cancel := context.WithTimeout(ctx, returnTimeout)
	defer cancel()
	tokens, err := r.Vault.Open(record)
	if err != nil {
		return err
	}
	used, err := r.Store.CredentialsInUse(ctx, record.Provider, record.UserID, r.Now())
	if err != nil {
		return fmt.Errorf("credential: %s: %w", record.ID, err)
	}
	for _, other := range used {
		if mayShareSession(record, other) {
			return nil
		}
	}
	if err := r.Provider.Revoke(ctx, tokens); err != nil && upstream.KindOf(err) != upstream.KindInvalidGrant {
		return err
	}
	return nil
}

// mayShareSession reports whether two credentials of a user may come from one session of the provider. One that names no
// session may come from any.
func mayShareSession(a, b storage.Credential) bool {
	return a.SessionID == "" || b.SessionID == "" || a.SessionID == b.SessionID
}
