package grant

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/token"
)

const (
	grantID = "0f8fad5b-d9cb-469f-a165-70867728950e"
	pkce    = "a-verifier-of-at-least-forty-three-characters-x"
)

var noon = time.Unix(1_800_000_000, 0)

// macs is a ring of refresh keys, the last of which makes tokens.
type macs []string

func (m macs) All() (keys []keyring.Key) {
	for _, id := range m {
		keys = append(keys, keyring.Key{ID: id, Algorithm: keyring.RefreshMAC, Verification: []byte("the key named " + id)})
	}
	return keys
}
func (m macs) Current() keyring.Key              { return m.All()[len(m)-1] }
func (m macs) Lookup(string) (keyring.Key, bool) { return keyring.Key{}, false }

// outside is the store, the clients and the signatures of an Exchanger. It has one client.
type outside struct {
	Store
	Clients
	code    storage.Code
	burning error
	rotated storage.Rotated
}

func (o *outside) Recognize(
	context.Context, registration.Credentials,
) (storage.ClientAuthentication, bool, error) {
	return storage.ClientAuthentication{ID: "client", GrantTypes: Types()}, false, nil
}

func (o *outside) Code(context.Context, secret.Hash) (storage.Code, error) { return o.code, nil }

func (o *outside) BurnCode(context.Context, secret.Hash, time.Time) error { return o.burning }

func (o *outside) RotateRefreshToken(context.Context, storage.Rotation) (storage.Rotated, error) {
	return o.rotated, nil
}

func (o *outside) Mint(token.Subject, time.Time) (secret.Text, error) {
	return secret.NewText("signed"), nil
}

func (o *outside) exchanger(keys macs) *Exchanger {
	return New(Deps{
		Clients: o, Store: o, Minter: o, RefreshTokens: token.NewRefreshTokens(keys),
		Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler),
	}, Config{AccessTokenTTL: time.Hour})
}

func refreshToken(t *testing.T, keys macs, generation int64) secret.Text {
	t.Helper()
	text, err := token.NewRefreshTokens(keys).Make(token.RefreshID{GrantID: grantID, Generation: generation})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestARepeatedAnswerIsTheFirstOneAlsoWhenTheKeyHasChanged(t *testing.T) {
	lost := refreshToken(t, macs{"old"}, 2)
	o := &outside{rotated: storage.Rotated{Repeated: true, Grant: storage.Grant{
		ID: grantID, ExpireTime: noon.Add(time.Hour), Refresh: &storage.Refresh{Generation: 2, Hash: lost.Hash()},
	}}}
	again, err := o.exchanger(macs{"old", "new"}).Exchange(t.Context(), Request{
		GrantType: registration.GrantRefreshToken, RefreshToken: refreshToken(t, macs{"old"}, 1),
	})
	if err != nil || !again.RefreshToken.Equal(lost) {
		t.Errorf("the client gets a token that is not the head of its line: %v", err)
	}
}

// A wrong verifier spends the code. While that cannot be recorded, nobody may take the answer for final.
func TestACodeThatCannotBeSpentIsAnOutage(t *testing.T) {
	for _, c := range []struct {
		burning error
		want    oauth.Code
	}{
		{nil, oauth.InvalidGrant},
		{storage.ErrUsed, oauth.InvalidGrant},
		{errors.Join(storage.ErrUnavailable, errors.New("disk full")), oauth.TemporarilyUnavailable},
	} {
		o := &outside{burning: c.burning, code: storage.Code{ClientID: "client", Challenge: string(oauth.ChallengeOf(pkce))}}
		_, err := o.exchanger(macs{"a"}).Exchange(t.Context(), Request{
			GrantType: registration.GrantAuthorizationCode, Code: secret.NewText("ghc_x"),
			CodeVerifier: secret.NewText("another-" + pkce),
		})
		if oauth.CodeOf(err) != c.want {
			t.Errorf("the code was not spent for %v: %v, want %s", c.burning, err, c.want)
		}
	}
}
