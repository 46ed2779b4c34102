package sqlite

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const signingKeyColumns = `id, purpose, algorithm, sealed, public_jwk, create_time, activate_time`

// signingKeyFields matches signingKeyColumns.
func signingKeyFields(k *storage.SigningKey) []any {
	return []any{
		&k.ID, &k.Purpose, &k.Algorithm,
		blob{&k.Sealed},
		blob{&k.Public},
		instant{&k.CreateTime},
		instant{&k.ActivateTime},
	}
}

const (
	selectSigningKeys = `SELECT ` + signingKeyColumns + ` FROM signing_keys ORDER BY activate_time, id`

	insertSigningKey = `INSERT INTO signing_keys (` + signingKeyColumns + `)
		SELECT ?, ?, ?, ?, ?, ?, ?
		WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE purpose = ? AND algorithm = ? AND activate_time > ?)`

	deleteSigningKey = `DELETE FROM signing_keys WHERE id = ?`
)

// SigningKeys implements storage.SigningKeys.
func (s *Store) SigningKeys(ctx context.Context) ([]storage.SigningKey, error) {
	rows, err := s.reader.query(ctx, selectSigningKeys)
	keys, err := collect(rows, err, signingKeyFields)
	return keys, answer("list signing keys", err)
}

// AddSigningKey implements storage.SigningKeys.
func (s *Store) AddSigningKey(ctx context.Context, key storage.SigningKey, after time.Time) (added bool, err error) {
	err = s.write(ctx, "add signing key", func(tx *session) error {
		args := append(signingKeyFields(&key), key.Purpose, key.Algorithm, at(after))
		inserted, err := tx.insert(insertSigningKey, args...)
		added = inserted == 1
		return err
	})
	return added && err == nil, err
}

// DeleteSigningKey implements storage.SigningKeys.
func (s *Store) DeleteSigningKey(ctx context.Context, id string) error {
	return s.write(ctx, "delete signing key", func(tx *session) error {
		deleted, err := tx.change(deleteSigningKey, id)
		if err == nil && deleted == 0 {
			return storage.ErrNotFound
		}
		return err
	})
}
