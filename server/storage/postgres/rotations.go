package postgres

import (
	"context"
	"errors"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	rotateRefreshToken = `UPDATE grants
			SET last_used_time = $1, refresh_generation = refresh_generation + 1, refresh_hash = $5,
				refresh_rotate_time = $1, refresh_expire_time = $6
			WHERE id = $2 AND refresh_generation = $3 AND refresh_hash = $4 AND client_id = $7
				AND revoke_time IS NULL AND expire_time > $1 AND refresh_expire_time > $1
				AND ($8::text = '' OR resource = $8) AND coalesce(scopes, '{}') @> coalesce($9::text[], '{}')
			RETURNING ` + rotatedColumns

	// rotateAndMark also marks the client.
	rotateAndMark = `WITH subject AS (` + rotateRefreshToken + `, client_id), ` + markClient + `
		SELECT ` + rotatedColumns + ` FROM subject`

	// rotatedColumns are all that Rotation.Moved wants, and for speed no more.
	rotatedColumns = `user_id, credential_id, resource, scopes, create_time, expire_time`

	lockGrant = `SELECT ` + grantColumns + ` FROM grants WHERE id = $1 FOR UPDATE`
)

// rotatedFields matches rotatedColumns.
func rotatedFields(g *storage.Grant) []any {
	return []any{
		&g.UserID, &g.CredentialID, &g.Resource, list{&g.Scopes}, instant{&g.CreateTime}, instant{&g.ExpireTime},
	}
}

// RotateRefreshToken implements storage.Grants.
func (s *Store) RotateRefreshToken(ctx context.Context, rotation storage.Rotation) (storage.Rotated, error) {
	var rotated storage.Rotated
	err := s.write(ctx, "rotate refresh token", func(tx *session) error { return moveHead(tx, &rotated.Grant, rotation) })
	switch {
	case err == nil:
		return rotated, nil
	case errors.Is(err, storage.ErrNotFound):
		return s.explainRotation(ctx, rotation)
	default:
		return storage.Rotated{}, err
	}
}

// moveHead replaces the head of a line, if the rotation presents it.
func moveHead(tx *session, grant *storage.Grant, rotation storage.Rotation) error {
	statement := rotateRefreshToken
	if rotation.MarksClient() {
		statement = rotateAndMark
	}
	err := tx.row(rotatedFields(grant), statement, rotation.Now, rotation.GrantID, rotation.Generation,
		digest{&rotation.Hash}, digest{&rotation.Next}, rotation.NextExpire, rotation.ClientID, rotation.Resource,
		list{&rotation.Scopes})
	*grant = rotation.Moved(*grant)
	return err
}

// explainRotation says what a rotation means that did not find the head of its line. The lock on the row makes judgement
// and sentence one step. Between the two statements another rotation may have made the presented token the head, so that
// it is only now that it moves.
func (s *Store) explainRotation(ctx context.Context, rotation storage.Rotation) (storage.Rotated, error) {
	var explained storage.Rotated
	var verdict error
	err := s.transact(ctx, "explain rotation", func(tx *session) error {
		verdict = nil // a step that is tried again begins anew
		var row grantRow
		if err := tx.row(grantFields(&row), lockGrant, rotation.GrantID); err != nil {
			return err
		}
		explained.Grant = row.grant()
		if explained.Repeated = !rotation.Presents(explained.Grant); !explained.Repeated {
			return moveHead(tx, &explained.Grant, rotation)
		}
		verdict = rotation.Missed(explained.Grant)
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
		return explained, nil
	}
}
