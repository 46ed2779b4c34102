package sqlite

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	insertRevocation = `INSERT INTO revocations (grant_id, create_time) VALUES (?, ?)`

	selectRevocations = `SELECT sequence, grant_id, create_time FROM revocations WHERE sequence > ?
		ORDER BY sequence LIMIT ?`

	// SQLite keeps the highest sequence of a table with AUTOINCREMENT, also when the rows are gone.
	selectRevocationBounds = `SELECT (SELECT coalesce(min(sequence), 0) FROM revocations),
		coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'revocations'), 0)`
)

func revocationFields(r *storage.Revocation) []any {
	return []any{&r.Sequence, &r.GrantID, instant{&r.CreateTime}}
}

// RevokeGrants implements storage.Grants.
func (s *Store) RevokeGrants(ctx context.Context, filter storage.GrantFilter, reason string) (ids []string, err error) {
	if filter.NamesNobody() {
		return nil, nil
	}
	err = s.write(ctx, "revoke grants", func(tx *session) (err error) {
		ids, err = revoke(tx, filter, reason)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// revoke ends the live grants of a filter and records it, with the codes that would become others. It is the only way by
// which a grant ends before its time.
func revoke(tx *session, filter storage.GrantFilter, reason string) ([]string, error) {
	if filter.CoversCodes() {
		query, args := burnCodes(filter)
		if err := tx.run(query, args...); err != nil {
			return nil, err
		}
	}
	query, args := revokeGrants(filter, reason)
	ids, err := tx.texts(query, args...)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := tx.run(insertRevocation, id, at(filter.Now)); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func revokeGrants(filter storage.GrantFilter, reason string) (query string, args []any) {
	where := selection(filter)
	where.live(filter)
	which := where.clause()
	if filter.AtMost > 0 {
		which = ` WHERE g.id IN (SELECT g.id FROM grants g` + which + ` LIMIT ?)`
		where.args = append(where.args, filter.AtMost)
	}
	query = `UPDATE grants AS g SET revoke_time = ?, revoke_reason = ?` + which + ` RETURNING id`
	return query, append([]any{at(filter.Now), reason}, where.args...)
}

// burnCodes burns the codes that a filter covers.
func burnCodes(filter storage.GrantFilter) (query string, args []any) {
	where := selection(filter)
	where.and(`g.use_time IS NULL AND g.expire_time > ?`, at(filter.Now))
	return `UPDATE codes AS g SET use_time = ?` + where.clause(), append([]any{at(filter.Now)}, where.args...)
}

// Revocations implements storage.Revocations.
func (s *Store) Revocations(ctx context.Context, after int64, limit int) ([]storage.Revocation, error) {
	rows, err := s.reader.query(ctx, selectRevocations, after, limit)
	revocations, err := collect(rows, err, revocationFields)
	return revocations, answer("read revocations", err)
}

// RevocationBounds implements storage.Revocations.
func (s *Store) RevocationBounds(ctx context.Context) (lowest, highest int64, err error) {
	err = s.reader.row(ctx, []any{&lowest, &highest}, selectRevocationBounds)
	return lowest, highest, answer("read revocation bounds", err)
}
