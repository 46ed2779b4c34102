package postgres

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	selectRevocations = `SELECT sequence, grant_id, create_time FROM revocations WHERE sequence > $1
		ORDER BY sequence LIMIT $2`

	// The sequence is read beside the rows, which may all be swept.
	selectRevocationBounds = `SELECT coalesce((SELECT min(sequence) FROM revocations), 0),
			CASE WHEN is_called THEN last_value ELSE 0 END
		FROM revocation_sequence`
)

func revocationFields(r *storage.Revocation) []any {
	return []any{&r.Sequence, &r.GrantID, instant{&r.CreateTime}}
}

// Revocations implements storage.Revocations.
func (s *Store) Revocations(
	ctx context.Context, after int64, limit int,
) (revocations []storage.Revocation, err error) {
	err = s.read(ctx, "list revocations", func(tx *session) (err error) {
		revocations, err = collect(tx, revocationFields, selectRevocations, after, limit)
		return err
	})
	return revocations, err
}

// RevocationBounds implements storage.Revocations. The highest number may belong to a revocation that is not committed
// yet or never was.
func (s *Store) RevocationBounds(ctx context.Context) (lowest, highest int64, err error) {
	err = s.read(ctx, "read bounds of revocations", func(tx *session) error {
		return tx.row([]any{&lowest, &highest}, selectRevocationBounds)
	})
	return lowest, highest, err
}
