package postgres

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const insertAssertion = `INSERT INTO assertions (hash, expire_time) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`

// UseAssertion implements storage.Assertions.
func (s *Store) UseAssertion(ctx context.Context, hash secret.Hash, expire time.Time) error {
	return s.write(ctx, "use assertion", func(tx *session) error {
		inserted, err := tx.change(insertAssertion, digest{&hash}, expire)
		if err == nil && inserted == 0 {
			return storage.ErrUsed
		}
		return err
	})
}
