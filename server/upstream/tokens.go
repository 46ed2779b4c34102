package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// Tokens is what a provider gave us for a person.
type Tokens struct {
	AccessToken       secret.Text
	RefreshToken      secret.Text // empty when the provider gave none
	IDToken           secret.Text // the newest one
	Scope             string      // as granted, separated by spaces
	AccessExpireTime  time.Time   // zero when no end is known
	RefreshExpireTime time.Time   // zero when there is no refresh token or it has no fixed end
}

// encodingVersion marks the stored form. A form that older servers would misread gets a new number.
const encodingVersion = 1

type encodedTokens struct {
	Version           int       `json:"v"`
	AccessToken       string    `json:"access_token"`
	RefreshToken      string    `json:"refresh_token,omitempty"`
	IDToken           string    `json:"id_token,omitempty"`
	Scope             string    `json:"scope,omitempty"`
	AccessExpireTime  time.Time `json:"access_expire_time,omitzero"`
	RefreshExpireTime time.Time `json:"refresh_expire_time,omitzero"`
}

// Encode returns the tokens in the clear, for sealing. It exists because secrets refuse to be marshalled otherwise.
func (t Tokens) Encode() ([]byte, error) {
	return json.Marshal(encodedTokens{
		Version:           encodingVersion,
		AccessToken:       t.AccessToken.Reveal(),
		RefreshToken:      t.RefreshToken.Reveal(),
		IDToken:           t.IDToken.Reveal(),
		Scope:             t.Scope,
		AccessExpireTime:  t.AccessExpireTime,
		RefreshExpireTime: t.RefreshExpireTime,
	})
}

// DecodeTokens reads what Encode wrote. Its errors do not quote the input.
func DecodeTokens(data []byte) (Tokens, error) {
	var e encodedTokens
	if json.Unmarshal(data, &e) != nil {
		return Tokens{}, errors.New("upstream: stored tokens are malformed")
	}
	if e.Version != encodingVersion {
		return Tokens{}, fmt.Errorf("upstream: stored tokens have version %d, want %d", e.Version, encodingVersion)
	}
	return Tokens{
		AccessToken:       secret.NewText(e.AccessToken),
		RefreshToken:      secret.NewText(e.RefreshToken),
		IDToken:           secret.NewText(e.IDToken),
		Scope:             e.Scope,
		AccessExpireTime:  e.AccessExpireTime,
		RefreshExpireTime: e.RefreshExpireTime,
	}, nil
}
