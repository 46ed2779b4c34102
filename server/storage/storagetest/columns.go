package storagetest

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// awkward is text that must come back unchanged.
func awkward() []string {
	return []string{
		`it's "quoted" and \escaped\`,
		`'; DROP TABLE clients; --`,
		`" OR ""="`,
		"$1 ? :name @p1 %s %00 ${x} {{.}}",
		`[]`, `null`, `{"a":[1]}`, `[",","]`,
		" leading, trailing and\ttab\r\nnewline ",
		"Zoë, 日本語, العربية, 👩‍👩‍👧‍👦, e\u0301, \u202eevil\u202c, \ufeffbom, \ufffd",
		"\x01\x02\x7f\u0085\u2028",
		"\U0010ffff",
		strings.Repeat("long ", 20_000),
	}
}

// unstorable is text that PostgreSQL refuses, and so every backend does.
func unstorable() []string {
	return []string{"\x00", "before\x00after", "\xff", "cut\xc3", "\xed\xa0\x80 surrogate", "\xc0\x80 overlong"}
}

func columnChecks() []check {
	return []check{
		{"awkward text comes back unchanged", func(t *testing.T, s *scene) {
			for _, text := range awkward() {
				client, completion := s.filled(text)
				s.create(client)
				stored, err := s.Client(t.Context(), client.ID)
				s.must(err)
				same(t, stored, client)

				txn := s.claimed(client.ID)
				completion.TransactionID = txn.ID
				s.must(s.CompleteTransaction(t.Context(), completion))
				grant := s.newGrant(completion.Code)
				s.must(s.RedeemCode(t.Context(), completion.Code.Hash, s.now, grant))
				s.stands(grant)
				same(t, s.detail(grant.ID), storage.GrantDetail{
					Grant: grant, User: completion.User, ClientName: client.Name, ClientOrigin: client.Origin,
				})
				completion.Credential.Version = 1
				same(t, s.evidence(grant.ID), storage.Evidence{
					Grant: grant, User: completion.User, Confirmation: completion.Credential.Confirmation(),
				})
				credential, err := s.Credential(t.Context(), grant.CredentialID)
				s.must(err)
				same(t, credential, completion.Credential)
			}
		}},
		{"text that not every backend can keep is refused by all, as invalid", func(t *testing.T, s *scene) {
			for _, text := range unstorable() {
				s.refuses(text)
			}
		}},
		{"a key of hostile text is not found", func(t *testing.T, s *scene) {
			s.grant(s.client().ID, "alice")
			for _, text := range append(awkward(), unstorable()...) {
				_, err := s.Client(t.Context(), text)
				s.want(storage.ErrNotFound, err)
				_, err = s.ClientAuthentication(t.Context(), text)
				s.want(storage.ErrNotFound, err)
				_, err = s.Grant(t.Context(), text)
				s.want(storage.ErrNotFound, err)
				_, err = s.Evidence(t.Context(), text)
				s.want(storage.ErrNotFound, err)
				_, err = s.DeleteClient(t.Context(), text, s.now)
				s.want(storage.ErrNotFound, err)
				s.want(storage.ErrNotFound, s.FailTransaction(t.Context(), text))
				s.findsNothing(text)
				filter := storage.GrantFilter{ClientID: text, Now: s.now}
				ids, err := s.RevokeGrants(t.Context(), filter, storage.RevokedByOperator)
				s.must(err)
				same(t, len(ids), 0)
				same(t, len(s.listed(filter)), 0)
				after := storage.Cursor{CreateTime: s.now.Add(time.Hour), ID: text}
				_, err = s.ListClients(t.Context(), storage.Page{Limit: 1, After: after})
				s.must(err)
			}
		}},
		{"times keep microseconds and come back in UTC", func(t *testing.T, s *scene) {
			zone := time.FixedZone("elsewhere", 5*60*60)
			client := s.newClient()
			client.CreateTime = s.now.Add(999 * time.Nanosecond).In(zone)
			client.LastUsedTime = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
			s.create(client)
			stored, err := s.Client(t.Context(), client.ID)
			s.must(err)
			same(t, stored.CreateTime, s.now)
			same(t, stored.CreateTime.Location().String(), "UTC")
			same(t, stored.LastUsedTime, client.LastUsedTime)
		}},
		{"bytes come back unchanged", func(t *testing.T, s *scene) {
			key := s.newKey("ES256")
			key.Sealed = []byte{0, 1, 0xff, 0, '\'', '"'}
			key.Public = make([]byte, 100_000)
			s.add(key)
			keys, err := s.SigningKeys(t.Context())
			s.must(err)
			same(t, keys, []storage.SigningKey{key})
		}},
	}
}

// finds nothing under a text among grants, credentials and keys.
func (s *scene) findsNothing(text string) {
	s.t.Helper()
	ctx := s.t.Context()
	_, err := s.RotateRefreshToken(ctx, storage.Rotation{GrantID: text, Generation: 1, Now: s.now})
	s.want(storage.ErrNotFound, err)
	_, err = s.Credential(ctx, text)
	s.want(storage.ErrNotFound, err)
	sessions, err := s.CredentialsBySession(ctx, text, text)
	s.must(err)
	same(s.t, len(sessions), 0)
	used, err := s.CredentialsInUse(ctx, text, text, s.now)
	s.must(err)
	same(s.t, len(used), 0)
	s.must(s.RecordConfirmation(ctx, storage.Confirmation{CredentialID: text, Version: 1, UpdateTime: s.now}))
	_, err = s.BeginRenewal(ctx, text, 1, s.now, s.now)
	s.want(storage.ErrConflict, err)
	s.want(storage.ErrConflict, s.AbandonRenewal(ctx, text, 1))
	s.want(storage.ErrConflict, s.FinishRenewal(ctx, storage.Credential{ID: text}, 1))
	_, err = s.EndCredential(ctx, text, 1, s.now, storage.RevokedByUpstream)
	s.want(storage.ErrConflict, err)
	s.want(storage.ErrNotFound, second(s.DeleteCredential(ctx, text, 1, s.now)))
	s.want(storage.ErrNotFound, s.DeleteSigningKey(ctx, text))
}

// filled returns records with text in every field that comes from outside.
func (s *scene) filled(text string) (storage.Client, storage.Completion) {
	client := s.newClient()
	client.ID += text
	client.Name, client.AuthMethod, client.ApplicationType = text, text, text
	client.ClientURI, client.LogoURI, client.SoftwareID, client.SoftwareVersion = text, text, text, text
	client.RedirectURIs, client.GrantTypes, client.Scopes = []string{text, "", text}, []string{text}, []string{text}

	completion := s.newCompletion(storage.Transaction{
		ClientID: client.ID, RedirectURI: text, Challenge: text, Resource: text, Scopes: []string{text},
	}, s.name("user")+text)
	user := &completion.User
	user.Issuer, user.Subject, user.Name, user.GivenName, user.FamilyName = text, user.ID, text, text, text
	user.Email, user.PreferredUsername, user.Groups = text, text, []string{text, text}
	completion.Credential.Scopes, completion.Credential.SessionID = text, text
	return client, completion
}

// refuses tries to store text in each kind of record.
func (s *scene) refuses(text string) {
	s.t.Helper()
	ctx := s.t.Context()
	client, list := s.newClient(), s.newClient()
	client.Name, list.RedirectURIs = text, []string{"https://ok.example", text}
	s.want(storage.ErrInvalid, s.CreateClient(ctx, client, noLimit))
	s.want(storage.ErrInvalid, s.CreateClient(ctx, list, noLimit))
	_, err := s.Client(ctx, client.ID)
	s.want(storage.ErrNotFound, err)

	txn := s.newTransaction("client")
	txn.ClientState = text
	s.want(storage.ErrInvalid, s.CreateTransaction(ctx, txn, noLimit))

	claimed := s.claimed("client")
	completion := s.newCompletion(claimed, "alice")
	completion.User.Name = text
	s.want(storage.ErrInvalid, s.CompleteTransaction(ctx, completion))
	completion = s.newCompletion(claimed, "alice")
	completion.Code.Resource = text
	s.want(storage.ErrInvalid, s.CompleteTransaction(ctx, completion))
	s.must(s.CompleteTransaction(ctx, s.newCompletion(claimed, "alice")))

	code := s.code("client", "alice")
	grant := s.newGrant(code)
	grant.Scopes = []string{text}
	s.want(storage.ErrInvalid, s.RedeemCode(ctx, code.Hash, s.now, grant))
	s.must(s.redeem(code))

	lease := s.lease(s.credential(code.CredentialID))
	renewed := lease.Credential
	renewed.SessionID = text
	s.want(storage.ErrInvalid, s.FinishRenewal(ctx, renewed, lease.Fence))
	s.must(s.FinishRenewal(ctx, lease.Credential, lease.Fence))

	login := s.loggingIn()
	session, user := s.newSession("alice")
	user.Name = text
	s.want(storage.ErrInvalid, s.CompleteAccountLogin(ctx, login.ID, user, session))

	_, err = s.AddSigningKey(ctx, s.newKey(text), time.Time{})
	s.want(storage.ErrInvalid, err)
}
