package postgres

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
		SELECT $1::text, $2::text, $3::text, $4::bytea, $5::bytea, $6::timestamptz, $7::timestamptz
		WHERE NOT EXISTS (
			SELECT 1 FROM signing_keys WHERE purpose = $2 AND algorithm = $3 AND activate_time > $8)`
)

// SigningKeys implements storage.SigningKeys.
func (s *Store) SigningKeys(ctx context.Context) (keys []storage.SigningKey, err error) {
	err = s.read(ctx, "list signing keys", func(tx *session) (err error) {
		keys, err = collect(tx, signingKeyFields, selectSigningKeys)
		return err
	})
	return keys, err
}

// AddSigningKey implements storage.SigningKeys.
func (s *Store) AddSigningKey(ctx context.Context, key storage.SigningKey, after time.Time) (added bool, err error) {
	err = s.transact(ctx, "add signing key", func(tx *session) error {
		if err := takeTurn(tx, turnSigningKeys); err != nil {
			return err
		}
		inserted, err := tx.insert(insertSigningKey, append(signingKeyFields(&key), after)...)
		added = inserted == 1
		return err
	})
	return added && err == nil, err
}

// DeleteSigningKey implements storage.SigningKeys.
func (s *Store) DeleteSigningKey(ctx context.Context, id string) error {
	return s.write(ctx, "delete signing key", func(tx *session) error {
		deleted, err := tx.change(`DELETE FROM signing_keys WHERE id = $1`, id)
		if err == nil && deleted == 0 {
			return storage.ErrNotFound
		}
		return err
	})
}
