package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	// Everything that makes a rotation right is in the guard: of racing statements one finds the row.
	rotateRefreshToken = `UPDATE grants SET refresh_generation = refresh_generation + 1, refresh_hash = ?1,
			refresh_rotate_time = ?2, refresh_expire_time = ?3, last_used_time = ?2
		WHERE id = ?4 AND client_id = ?5 AND refresh_generation = ?6 AND refresh_hash = ?7
			AND revoke_time IS NULL AND expire_time > ?2 AND refresh_expire_time > ?2
			AND (?8 = '' OR resource = ?8)
			AND (?9 = '[]' OR NOT EXISTS (SELECT 1 FROM json_each(?9) asked
				WHERE asked.value NOT IN (SELECT value FROM json_each(scopes))))
		RETURNING user_id, credential_id, resource, scopes, create_time, expire_time`
)

// rotatedFields matches what rotateRefreshToken returns: all that Rotation.Moved wants, and for speed no more.
func rotatedFields(g *storage.Grant) []any {
	return []any{
		&g.UserID, &g.CredentialID, &g.Resource, list{&g.Scopes}, instant{&g.CreateTime}, instant{&g.ExpireTime},
	}
}

// RotateRefreshToken implements storage.Grants.
func (s *Store) RotateRefreshToken(
	ctx context.Context, rotation storage.Rotation,
) (rotated storage.Rotated, err error) {
	var replayed bool
	err = s.write(ctx, "rotate refresh token", func(tx *session) error {
		rotated, replayed = storage.Rotated{}, false
		now := at(rotation.Now)
		err := tx.row(rotatedFields(&rotated.Grant), rotateRefreshToken,
			digest{&rotation.Next}, now, at(rotation.NextExpire),
			rotation.GrantID, rotation.ClientID, rotation.Generation, digest{&rotation.Hash},
			rotation.Resource, list{&rotation.Scopes})
		if errors.Is(err, sql.ErrNoRows) {
			rotated.Repeated = true
			replayed, err = missed(tx, rotation, &rotated.Grant)
			return err
		}
		if err != nil {
			return err
		}
		rotated.Grant = rotation.Moved(rotated.Grant)
		if !rotation.MarksClient() {
			return nil
		}
		return tx.run(markClientUsed, now, rotation.ClientID)
	})
	// The operation must succeed for the revocation to be committed; only then is it told as a refusal.
	if err == nil && replayed {
		err = storage.ErrUsed
	}
	if err != nil {
		return storage.Rotated{}, err
	}
	return rotated, nil
}

// missed explains a rotation that changed nothing, from the grant, which it reads. A replay ends the grant.
func missed(tx *session, rotation storage.Rotation, grant *storage.Grant) (replayed bool, err error) {
	if err := tx.row(grantFields(grant), selectGrant, rotation.GrantID); err != nil {
		return false, err
	}
	verdict := rotation.Missed(*grant)
	if !errors.Is(verdict, storage.ErrUsed) {
		return false, verdict
	}
	filter := storage.GrantFilter{ID: rotation.GrantID, Now: rotation.Now}
	_, err = revoke(tx, filter, storage.RevokedByRefreshReplay)
	return true, err
}

// refreshFields matches the last four of grantColumns. The generation comes first and makes the line.
func refreshFields(line **storage.Refresh) []any {
	return []any{
		generation{line},
		lineColumn{line, func(r *storage.Refresh) column { return digest{&r.Hash} }},
		lineColumn{line, func(r *storage.Refresh) column { return instant{&r.RotateTime} }},
		lineColumn{line, func(r *storage.Refresh) column { return instant{&r.ExpireTime} }},
	}
}

// generation is the column that says whether a grant has a line of refresh tokens.
type generation struct{ line **storage.Refresh }

// Value implements driver.Valuer.
func (c generation) Value() (driver.Value, error) {
	if *c.line == nil {
		return nil, nil
	}
	return (*c.line).Generation, nil
}

// Scan implements sql.Scanner.
func (c generation) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*c.line = nil
	case int64:
		*c.line = &storage.Refresh{Generation: v}
	default:
		return fmt.Errorf("generation column holds %T", value)
	}
	return nil
}

// lineColumn is another column of the line, NULL when there is none.
type lineColumn struct {
	line **storage.Refresh
	of   func(*storage.Refresh) column
}

// Value implements driver.Valuer.
func (c lineColumn) Value() (driver.Value, error) {
	if *c.line == nil {
		return nil, nil
	}
	return c.of(*c.line).Value()
}

// Scan implements sql.Scanner.
func (c lineColumn) Scan(value any) error {
	if *c.line == nil {
		return nil
	}
	return c.of(*c.line).Scan(value)
}
