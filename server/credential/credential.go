// Package credential keeps what a provider gave us for a user: sealed in the store, opened only to ask the provider.
package credential

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/identifier"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// Sealer protects tokens at rest.
type Sealer interface {
	Seal(plaintext []byte, place seal.Place) []byte
	Open(sealed []byte, place seal.Place) ([]byte, error)
}

// Vault seals and opens credentials.
type Vault struct {
	sealer Sealer
}

// NewVault returns a Vault.
func NewVault(sealer Sealer) Vault { return Vault{sealer: sealer} }

// Renewed returns the row with new tokens. It stays the same row, whatever scopes the provider names this time.
func (v Vault) Renewed(record storage.Credential, tokens upstream.Tokens, now time.Time) (storage.Credential, error) {
	plaintext, err := tokens.Encode()
	if err != nil {
		return storage.Credential{}, fmt.Errorf("credential: %w", err)
	}
	record.Sealed = v.sealer.Seal(plaintext, place(record.ID))
	record.AccessExpireTime = tokens.AccessExpireTime
	record.RefreshExpireTime = tokens.RefreshExpireTime
	record.HasRefreshToken = !tokens.RefreshToken.IsEmpty()
	record.UpdateTime = now
	return record, nil
}

// Record returns the row for a provider's tokens. There is one row per user, provider and scopes, shared by that
// user's grants: providers that bound the tokens of a user would otherwise kill those of older grants.
func (v Vault) Record(user storage.User, login upstream.Login, now time.Time) (storage.Credential, error) {
	scopes := strings.Fields(login.Tokens.Scope)
	slices.Sort(scopes)
	granted := strings.Join(slices.Compact(scopes), " ")
	return v.Renewed(storage.Credential{
		ID:        identifier.Credential(user.ID, user.Provider, granted),
		UserID:    user.ID,
		Provider:  user.Provider,
		Scopes:    granted,
		SessionID: login.SessionID,
	}, login.Tokens, now)
}

// Open returns the tokens of a row.
func (v Vault) Open(record storage.Credential) (upstream.Tokens, error) {
	plaintext, err := v.sealer.Open(record.Sealed, place(record.ID))
	if err != nil {
		return upstream.Tokens{}, fmt.Errorf("credential: %s: %w", record.ID, err)
	}
	tokens, err := upstream.DecodeTokens(plaintext)
	if err != nil {
		return upstream.Tokens{}, fmt.Errorf("credential: %s: %w", record.ID, err)
	}
	return tokens, nil
}

func place(id string) seal.Place {
	return seal.Place{Table: "credentials", Column: "sealed", Row: id}
}
