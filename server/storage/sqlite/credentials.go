package sqlite

import (
	"context"
	"database/sql"
	"errors"
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
	// The tokens of a new login are untried, and a renewal of the old ones that is under way is void.
	upsertCredential = `INSERT INTO credentials (` + credentialColumns + `)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, access_expire_time = excluded.access_expire_time,
			refresh_expire_time = excluded.refresh_expire_time, has_refresh_token = excluded.has_refresh_token,
			session_id = excluded.session_id, version = credentials.version + 1, update_time = excluded.update_time,
			attempts = 0, lease_time = NULL`

	selectCredential = `SELECT ` + credentialColumns + ` FROM credentials WHERE id = ?`

	recordConfirmation = `UPDATE credentials SET update_time = ? WHERE id = ? AND version = ?`

	selectCredentialsBySession = `SELECT ` + credentialColumns + ` FROM credentials
		WHERE provider = ? AND session_id = ? AND session_id <> '' ORDER BY id`

	// What holds a credential: a grant or a code that lives, or somebody who is renewing it.
	credentialIsUnused = `NOT EXISTS (SELECT 1 FROM grants g
				WHERE g.credential_id = credentials.id AND g.revoke_time IS NULL AND g.expire_time > ?)
			AND NOT EXISTS (SELECT 1 FROM codes k
				WHERE k.credential_id = credentials.id AND k.use_time IS NULL AND k.expire_time > ?)
			AND (lease_time IS NULL OR lease_time <= ?)`

	// This walks past every credential that is in use, oldest first. Readers hold up nobody.
	selectUnusedCredentials = `SELECT ` + credentialColumns + ` FROM credentials WHERE ` + credentialIsUnused + `
		ORDER BY update_time, id LIMIT ?`

	selectCredentialsInUse = `SELECT ` + credentialColumns + ` FROM credentials
		WHERE user_id = ? AND provider = ? AND NOT (` + credentialIsUnused + `)`

	deleteCredential = `DELETE FROM credentials WHERE id = ? AND version = ? AND ` + credentialIsUnused + `
		RETURNING ` + credentialColumns

	credentialExists = `SELECT 1 FROM credentials WHERE id = ?`
)

// saveCredential stores what the provider gave for a user.
func saveCredential(tx *session, credential storage.Credential) error {
	credential.Version, credential.Attempts, credential.LeaseTime = 1, 0, time.Time{}
	_, err := tx.insert(upsertCredential, credentialFields(&credential)...)
	return err
}

// Credential implements storage.Credentials.
func (s *Store) Credential(ctx context.Context, id string) (credential storage.Credential, err error) {
	err = s.reader.lookup(ctx, credentialFields(&credential), selectCredential, id)
	return credential, answer("read credential", err)
}

// RecordConfirmation implements storage.Credentials.
func (s *Store) RecordConfirmation(ctx context.Context, confirmation storage.Confirmation) error {
	return s.write(ctx, "record confirmation", func(tx *session) error {
		return tx.run(recordConfirmation, instant{&confirmation.UpdateTime}, confirmation.CredentialID, confirmation.Version)
	})
}

// CredentialsBySession implements storage.Credentials.
func (s *Store) CredentialsBySession(
	ctx context.Context, provider, sessionID string,
) ([]storage.Credential, error) {
	rows, err := s.reader.query(ctx, selectCredentialsBySession, provider, sessionID)
	credentials, err := collect(rows, err, credentialFields)
	return credentials, answer("read credentials of a session", err)
}

// CredentialsInUse implements storage.Credentials.
func (s *Store) CredentialsInUse(
	ctx context.Context, provider, userID string, now time.Time,
) ([]storage.Credential, error) {
	rows, err := s.reader.query(ctx, selectCredentialsInUse, userID, provider, at(now), at(now), at(now))
	credentials, err := collect(rows, err, credentialFields)
	return credentials, answer("read credentials in use", err)
}

// UnusedCredentials implements storage.Credentials.
func (s *Store) UnusedCredentials(ctx context.Context, now time.Time, limit int) ([]storage.Credential, error) {
	rows, err := s.reader.query(ctx, selectUnusedCredentials, at(now), at(now), at(now), limit)
	credentials, err := collect(rows, err, credentialFields)
	return credentials, answer("read unused credentials", err)
}

// DeleteCredential implements storage.Credentials.
func (s *Store) DeleteCredential(
	ctx context.Context, id string, version int64, now time.Time,
) (deleted storage.Credential, err error) {
	err = s.write(ctx, "delete credential", func(tx *session) error {
		err := tx.row(credentialFields(&deleted), deleteCredential, id, version, at(now), at(now), at(now))
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := refusal(tx, credentialExists, id); !errors.Is(err, storage.ErrUsed) {
			return err
		}
		return storage.ErrConflict
	})
	if err != nil {
		return storage.Credential{}, err
	}
	return deleted, nil
}
