package sqlite

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const signingKeyColumns = `id, algorithm, sealed, public_jwk, create_time, retire_time`

// signingKeyFields matches signingKeyColumns.
func signingKeyFields(k *storage.SigningKey) []any {
	return []any{
		&k.ID, &k.Algorithm, blob{&k.Sealed}, blob{&k.Public}, instant{&k.CreateTime}, instant{&k.RetireTime},
	}
}

const (
	selectSigningKeys = `SELECT ` + signingKeyColumns + ` FROM signing_keys ORDER BY create_time, id`

	insertSigningKey = `INSERT INTO signing_keys (` + signingKeyColumns + `)
		SELECT ?, ?, ?, ?, ?, ?
		WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE algorithm = ? AND retire_time IS NULL)`

	selectActiveSigningKey = `SELECT ` + signingKeyColumns + ` FROM signing_keys
		WHERE algorithm = ? AND retire_time IS NULL ORDER BY create_time, id LIMIT 1`
)

// SigningKeys implements storage.SigningKeys.
func (s *Store) SigningKeys(ctx context.Context) ([]storage.SigningKey, error) {
	rows, err := s.reader.pool.QueryContext(ctx, selectSigningKeys)
	keys, err := collect(rows, err, signingKeyFields)
	return keys, answer("list signing keys", err)
}

// EnsureSigningKey implements storage.SigningKeys.
func (s *Store) EnsureSigningKey(
	ctx context.Context, key storage.SigningKey,
) (standing storage.SigningKey, err error) {
	err = s.write(ctx, "ensure signing key", func(tx *session) error {
		if _, err := tx.insert(insertSigningKey, append(signingKeyFields(&key), key.Algorithm)...); err != nil {
			return err
		}
		return tx.row(signingKeyFields(&standing), selectActiveSigningKey, key.Algorithm)
	})
	if err != nil {
		return storage.SigningKey{}, err
	}
	return standing, nil
}
