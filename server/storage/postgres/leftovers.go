package postgres

import (
	"context"
	"time"

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

	lockCredential = `SELECT id FROM credentials WHERE id = $1 FOR UPDATE`

	deleteCredential = `DELETE FROM credentials c WHERE c.id = $2 AND c.version = $3 AND ` + credentialIsUnused
)

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
func (s *Store) DeleteCredential(ctx context.Context, id string, version int64, now time.Time) error {
	return s.transact(ctx, "delete credential", func(tx *session) error {
		found, err := tx.change(lockCredential, id)
		if err != nil {
			return err
		}
		if found == 0 {
			return storage.ErrNotFound
		}
		return standing(tx.change(deleteCredential, now, id, version))
	})
}
