package postgres

import (
	"context"
	"errors"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	rotateRefreshToken = `WITH subject AS (
			UPDATE grants
			SET last_used_time = $1, refresh_generation = refresh_generation + 1, refresh_hash = $5,
				refresh_rotate_time = $1, refresh_expire_time = $6
			WHERE id = $2 AND refresh_generation = $3 AND refresh_hash = $4
				AND revoke_time IS NULL AND expire_time > $1 AND refresh_expire_time > $1
			RETURNING ` + grantColumns + `
		), ` + markClient + `
		SELECT ` + grantColumns + ` FROM subject`

	lockGrant = `SELECT ` + grantColumns + ` FROM grants WHERE id = $1 FOR UPDATE`
)

// RotateRefreshToken implements storage.Grants.
func (s *Store) RotateRefreshToken(ctx context.Context, rotation storage.Rotation) (storage.Rotated, error) {
	var row grantRow
	err := s.write(ctx, "rotate refresh token", func(tx *session) error {
		return tx.row(grantFields(&row), rotateRefreshToken, rotation.Now, rotation.GrantID, rotation.Generation,
			digest{&rotation.Hash}, digest{&rotation.Next}, rotation.NextExpire)
	})
	switch {
	case err == nil:
		return storage.Rotated{Grant: row.grant()}, nil
	case errors.Is(err, storage.ErrNotFound):
		return s.explainRotation(ctx, rotation)
	default:
		return storage.Rotated{}, err
	}
}

// explainRotation says what a rotation means that did not find the head of its line. What was not the head will never be
// it again, so nothing is lost between the two statements. The lock on the row makes judgement and sentence one step.
func (s *Store) explainRotation(ctx context.Context, rotation storage.Rotation) (storage.Rotated, error) {
	var row grantRow
	var verdict error
	err := s.transact(ctx, "explain rotation", func(tx *session) error {
		if err := tx.row(grantFields(&row), lockGrant, rotation.GrantID); err != nil {
			return err
		}
		verdict = rotation.Missed(row.grant())
		if !errors.Is(verdict, storage.ErrUsed) {
			return verdict
		}
		filter := storage.GrantFilter{ID: rotation.GrantID, Now: rotation.Now}
		_, err := revoke(tx, filter, storage.RevokedByRefreshReplay)
		return err
	})
	switch {
	case err != nil:
		return storage.Rotated{}, err
	case verdict != nil: // told as a refusal only once the revocation is committed
		return storage.Rotated{}, verdict
	default:
		return storage.Rotated{Grant: row.grant(), Repeated: true}, nil
	}
}
