package storagetest

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// credentialCalls returns one call each of what keeps grants alive and ends them, ready to succeed.
func (s *scene) credentialCalls() map[string]func(context.Context) error {
	s.t.Helper()
	grant, credential, disused := s.grant("client", "refreshing"), s.lent("renewing"), s.disused("disused")
	finishing, abandoning := s.lease(s.lent("finishing")), s.lease(s.lent("abandoning"))
	ending, rotation := s.lease(s.lent("ending")), s.rotation(grant)
	renewed := s.renewed(finishing)
	return map[string]func(context.Context) error{
		"RotateRefreshToken": func(ctx context.Context) error { return second(s.RotateRefreshToken(ctx, rotation)) },

		"Credential": func(ctx context.Context) error { return second(s.Credential(ctx, credential.ID)) },
		"CredentialsBySession": func(ctx context.Context) error {
			return second(s.CredentialsBySession(ctx, "keycloak", "session"))
		},
		"RecordConfirmation": func(ctx context.Context) error {
			return s.RecordConfirmation(ctx, credential.Confirmation())
		},
		"BeginRenewal": func(ctx context.Context) error {
			return second(s.BeginRenewal(ctx, credential.ID, credential.Version, s.now, s.now.Add(leaseTTL)))
		},
		"FinishRenewal": func(ctx context.Context) error { return s.FinishRenewal(ctx, renewed, finishing.Fence) },
		"AbandonRenewal": func(ctx context.Context) error {
			return s.AbandonRenewal(ctx, abandoning.Credential.ID, abandoning.Fence)
		},
		"EndCredential": func(ctx context.Context) error {
			return second(s.EndCredential(ctx, ending.Credential.ID, ending.Fence, s.now, storage.RevokedByUpstream))
		},
		"CredentialsInUse": func(ctx context.Context) error {
			return second(s.CredentialsInUse(ctx, "keycloak", "user-alice", s.now))
		},
		"UnusedCredentials": func(ctx context.Context) error { return second(s.UnusedCredentials(ctx, s.now, 1)) },
		"DeleteCredential": func(ctx context.Context) error {
			return second(s.DeleteCredential(ctx, disused.ID, disused.Version, s.now))
		},

		"Revocations": func(ctx context.Context) error { return second(s.Revocations(ctx, 0, 1)) },
		"RevocationBounds": func(ctx context.Context) error {
			_, _, err := s.RevocationBounds(ctx)
			return err
		},
	}
}

// accountCalls returns one call each of what signs users in, ready to succeed.
func (s *scene) accountCalls() map[string]func(context.Context) error {
	s.t.Helper()
	login, assertion, standing := s.loggingIn(), s.hash(), s.session("alice")
	session, user := s.newSession("alice")
	leaving := s.session("alice")
	return map[string]func(context.Context) error{
		"CompleteAccountLogin": func(ctx context.Context) error {
			return s.CompleteAccountLogin(ctx, login.ID, user, session)
		},
		"AccountSession": func(ctx context.Context) error {
			_, _, err := s.AccountSession(ctx, standing.Hash, s.now)
			return err
		},
		"DeleteAccountSession": func(ctx context.Context) error { return s.DeleteAccountSession(ctx, leaving.Hash) },
		"DeleteAccountSessionsOfUser": func(ctx context.Context) error {
			return second(s.DeleteAccountSessionsOfUser(ctx, leaving.UserID, leaving.CreateTime.Add(-time.Hour)))
		},
		"DeleteAccountSessionsOfProvider": func(ctx context.Context) error {
			return second(s.DeleteAccountSessionsOfProvider(ctx, "keycloak", "no session", ""))
		},
		"UseAssertion": func(ctx context.Context) error { return s.UseAssertion(ctx, assertion, s.now.Add(time.Hour)) },
	}
}

// keyCalls returns one call each of what rotates keys, ready to succeed.
func (s *scene) keyCalls() map[string]func(context.Context) error {
	s.t.Helper()
	fresh, old, sealed := s.newKey("ES256"), s.newKey("ES256"), s.newKey("ES256")
	s.add(old)
	s.add(sealed)
	value := storage.SealedValue{Table: "signing_keys", ID: sealed.ID, Sealed: sealed.Sealed}
	return map[string]func(context.Context) error{
		"SigningKeys":      func(ctx context.Context) error { return second(s.SigningKeys(ctx)) },
		"AddSigningKey":    func(ctx context.Context) error { return second(s.AddSigningKey(ctx, fresh, s.now)) },
		"DeleteSigningKey": func(ctx context.Context) error { return s.DeleteSigningKey(ctx, old.ID) },

		"SealedOtherwise": func(ctx context.Context) error {
			return second(s.SealedOtherwise(ctx, []byte(newSeal), 1))
		},
		"CountSealedOtherwise": func(ctx context.Context) error {
			return second(s.CountSealedOtherwise(ctx, []byte(newSeal)))
		},
		"ReplaceSealed": func(ctx context.Context) error { return s.ReplaceSealed(ctx, value, s.sealedWith(newSeal)) },
	}
}
