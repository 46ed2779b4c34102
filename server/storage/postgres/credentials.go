package postgres

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const credentialColumns = `id, user_id, provider, scopes, sealed, access_expire_time, refresh_expire_time,
	has_refresh_token, session_id, version, update_time, attempts, lease_time`

// credentialFields matches credentialColumns.
func credentialFields(c *storage.Credential) []any {
	return []any{
		&c.ID, &c.UserID, &c.Provider, &c.Scopes,
		blob{&c.Sealed},
		instant{&c.AccessExpireTime},
		instant{&c.RefreshExpireTime},
		&c.HasRefreshToken, &c.SessionID, &c.Version,
		instant{&c.UpdateTime},
		&c.Attempts,
		instant{&c.LeaseTime},
	}
}

const (
	// A login ends the lease: what its holder will bring is older.
	upsertCredential = `INSERT INTO credentials (` + credentialColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, access_expire_time = excluded.access_expire_time,
			refresh_expire_time = excluded.refresh_expire_time, has_refresh_token = excluded.has_refresh_token,
			session_id = excluded.session_id, version = credentials.version + 1, update_time = excluded.update_time,
			attempts = 0, lease_time = NULL`

	selectCredential = `SELECT ` + credentialColumns + ` FROM credentials WHERE id = $1`

	recordConfirmation = `UPDATE credentials SET update_time = $3 WHERE id = $1 AND version = $2`

	selectCredentialsBySession = `SELECT ` + credentialColumns + ` FROM credentials
		WHERE provider = $1 AND session_id = $2 AND session_id <> '' ORDER BY id`
)

// saveCredential stores what the provider gave for a user.
func saveCredential(tx *session, credential storage.Credential) error {
	credential.Version, credential.Attempts, credential.LeaseTime = 1, 0, time.Time{}
	_, err := tx.insert(upsertCredential, credentialFields(&credential)...)
	return err
}

// Credential implements storage.Credentials.
func (s *Store) Credential(ctx context.Context, id string) (credential storage.Credential, err error) {
	err = s.read(ctx, "read credential", func(tx *session) error {
		return tx.row(credentialFields(&credential), selectCredential, id)
	})
	return credential, err
}

// RecordConfirmation implements storage.Credentials.
func (s *Store) RecordConfirmation(ctx context.Context, confirmation storage.Confirmation) error {
	return s.write(ctx, "record confirmation", func(tx *session) error {
		_, err := tx.change(recordConfirmation, confirmation.CredentialID, confirmation.Version, instant{&confirmation.UpdateTime})
		return err
	})
}

// CredentialsBySession implements storage.Credentials.
func (s *Store) CredentialsBySession(
	ctx context.Context, provider, sessionID string,
) (credentials []storage.Credential, err error) {
	err = s.read(ctx, "list credentials of a session", func(tx *session) (err error) {
		credentials, err = collect(tx, credentialFields, selectCredentialsBySession, provider, sessionID)
		return err
	})
	return credentials, err
}
