package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	// credentialIsUnused is about a credential c and the time $1.
	credentialIsUnused = `(c.lease_time IS NULL OR c.lease_time <= $1)
			AND NOT EXISTS (SELECT 1 FROM grants g
				WHERE g.credential_id = c.id AND g.revoke_time IS NULL AND g.expire_time > $1)
			AND NOT EXISTS (SELECT 1 FROM codes k
				WHERE k.credential_id = c.id AND k.use_time IS NULL AND k.expire_time > $1)`

	selectUnusedCredentials = `SELECT ` + credentialColumns + ` FROM credentials c WHERE ` + credentialIsUnused + `
		ORDER BY update_time NULLS FIRST, id LIMIT $2`

	selectCredentialsInUse = `SELECT ` + credentialColumns + ` FROM credentials c
		WHERE c.user_id = $2 AND c.provider = $3 AND NOT (` + credentialIsUnused + `)`

	lockCredential = `SELECT id FROM credentials WHERE id = $1 FOR UPDATE`

	deleteCredential = `DELETE FROM credentials c WHERE c.id = $2 AND c.version = $3 AND ` + credentialIsUnused + `
		RETURNING ` + credentialColumns
)

// CredentialsInUse implements storage.Credentials.
func (s *Store) CredentialsInUse(
	ctx context.Context, provider, userID string, now time.Time,
) (used []storage.Credential, err error) {
	err = s.read(ctx, "list credentials in use", func(tx *session) (err error) {
		used, err = collect(tx, credentialFields, selectCredentialsInUse, now, userID, provider)
		return err
	})
	return used, err
}

// UnusedCredentials implements storage.Credentials.
func (s *Store) UnusedCredentials(
	ctx context.Context, now time.Time, limit int,
) (unused []storage.Credential, err error) {
	err = s.read(ctx, "list unused credentials", func(tx *session) (err error) {
		unused, err = collect(tx, credentialFields, selectUnusedCredentials, now, limit)
		return err
	})
	return unused, err
}

// DeleteCredential implements storage.Credentials. Whether the credential is used is seen in other tables, which no guard
// on its row can hold still. But only a login begins to use one, and a login needs the row: so the lock comes first, and
// the statement after it sees every login that is over and keeps out every other.
func (s *Store) DeleteCredential(
	ctx context.Context, id string, version int64, now time.Time,
) (deleted storage.Credential, err error) {
	err = s.transact(ctx, "delete credential", func(tx *session) error {
		found, err := tx.change(lockCredential, id)
		if err != nil {
			return err
		}
		if found == 0 {
			return storage.ErrNotFound
		}
		err = tx.row(credentialFields(&deleted), deleteCredential, now, id, version)
		if errors.Is(err, pgx.ErrNoRows) {
			return storage.ErrConflict
		}
		return err
	})
	if err != nil {
		return storage.Credential{}, err
	}
	return deleted, nil
}
