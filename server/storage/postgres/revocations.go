package postgres

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	// recordRevoked draws a number for each row of revoked, and records it. The row with the last number is held until the
	// commit, and so the numbers become visible in their order: who has seen one has seen all below it. It is taken after
	// the grants, however many they are, and only when there are any. Without that row the numbers are NULL, which the
	// table refuses.
	recordRevoked = `drawn AS (
			UPDATE outbox o SET last_sequence = o.last_sequence + wanted.count
			FROM (SELECT count(*) AS count FROM revoked) wanted
			WHERE o.id = 1 AND wanted.count > 0
			RETURNING o.last_sequence - wanted.count AS before
		), recorded AS (
			INSERT INTO revocations (sequence, grant_id, create_time)
			SELECT drawn.before + row_number() OVER (ORDER BY revoked.id), revoked.id, revoked.revoke_time
			FROM revoked LEFT JOIN drawn ON true
		)`

	selectRevocations = `SELECT sequence, grant_id, create_time FROM revocations WHERE sequence > $1
		ORDER BY sequence LIMIT $2`

	// The last number is read beside the rows, which may all be swept.
	selectRevocationBounds = `SELECT coalesce((SELECT min(sequence) FROM revocations), 0), last_sequence
		FROM outbox WHERE id = 1`
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

// RevocationBounds implements storage.Revocations.
func (s *Store) RevocationBounds(ctx context.Context) (lowest, highest int64, err error) {
	err = s.read(ctx, "read bounds of revocations", func(tx *session) error {
		return tx.row([]any{&lowest, &highest}, selectRevocationBounds)
	})
	return lowest, highest, err
}
