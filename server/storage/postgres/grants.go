package postgres

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const grantColumns = `id, client_id, user_id, credential_id, resource, scopes, create_time, last_used_time, expire_time,
	revoke_time, revoke_reason, refresh_generation, refresh_hash, refresh_rotate_time, refresh_expire_time`

// grantRow is a grant with the head of its line laid out flat. Generation 0 means that there is none.
type grantRow struct {
	storage.Grant
	head storage.Refresh
	hash *secret.Hash
}

// rowOfGrant lays a grant out.
func rowOfGrant(grant storage.Grant) grantRow {
	row := grantRow{Grant: grant}
	if grant.Refresh != nil {
		row.head, row.hash = *grant.Refresh, &grant.Refresh.Hash
	}
	return row
}

// grant puts a row together.
func (r grantRow) grant() storage.Grant {
	if r.head.Generation != 0 && r.hash != nil {
		r.head.Hash = *r.hash
		r.Grant.Refresh = &r.head
	}
	return r.Grant
}

// grantFields matches grantColumns.
func grantFields(g *grantRow) []any {
	return []any{
		&g.ID, &g.ClientID, &g.UserID, &g.CredentialID, &g.Resource,
		list{&g.Scopes},
		instant{&g.CreateTime},
		instant{&g.LastUsedTime},
		instant{&g.ExpireTime},
		instant{&g.RevokeTime},
		&g.RevokeReason,
		&g.head.Generation,
		optionalDigest{&g.hash},
		instant{&g.head.RotateTime},
		instant{&g.head.ExpireTime},
	}
}

// detailRow is a grant with what is shown beside it.
type detailRow struct {
	grantRow
	storage.GrantDetail
}

func (r detailRow) detail() storage.GrantDetail {
	r.GrantDetail.Grant = r.grant()
	return r.GrantDetail
}

// detailFields matches the columns of selectDetail.
func detailFields(d *detailRow) []any {
	fields := append(grantFields(&d.grantRow), userFields(&d.User)...)
	return append(fields, &d.ClientName, &d.ClientOrigin)
}

const (
	selectGrant = `SELECT ` + grantColumns + ` FROM grants WHERE id = $1`

	// The columns of grants and users, spelled out because their names overlap.
	grantAndUser = `g.id, g.client_id, g.user_id, g.credential_id, g.resource, g.scopes, g.create_time,
			g.last_used_time, g.expire_time, g.revoke_time, g.revoke_reason, g.refresh_generation, g.refresh_hash,
			g.refresh_rotate_time, g.refresh_expire_time,
			u.id, u.provider, u.issuer, u.subject, u.name, u.given_name, u.family_name, u.email, u.email_verified,
			u.preferred_username, u.group_names, u.update_time`

	selectDetail = `SELECT ` + grantAndUser + `, coalesce(k.name, ''), coalesce(k.origin, '')
		FROM grants g
			JOIN users u ON u.id = g.user_id
			LEFT JOIN clients k ON k.id = g.client_id`

	selectEvidence = `SELECT ` + grantAndUser + `, coalesce(c.id, ''), coalesce(c.version, 0), c.update_time
		FROM grants g
			JOIN users u ON u.id = g.user_id
			LEFT JOIN credentials c ON c.id = g.credential_id
		WHERE g.id = $1`
)

// Grant implements storage.Grants.
func (s *Store) Grant(ctx context.Context, id string) (storage.Grant, error) {
	var row grantRow
	err := s.read(ctx, "read grant", func(tx *session) error { return tx.row(grantFields(&row), selectGrant, id) })
	if err != nil {
		return storage.Grant{}, err
	}
	return row.grant(), nil
}

// Evidence implements storage.Grants.
func (s *Store) Evidence(ctx context.Context, grantID string) (evidence storage.Evidence, err error) {
	var row grantRow
	known := &evidence.Confirmation
	fields := append(grantFields(&row), userFields(&evidence.User)...)
	fields = append(fields, &known.CredentialID, &known.Version, instant{&known.UpdateTime})
	err = s.read(ctx, "read evidence", func(tx *session) error { return tx.row(fields, selectEvidence, grantID) })
	if err != nil {
		return storage.Evidence{}, err
	}
	evidence.Grant = row.grant()
	return evidence, nil
}

// ListGrants implements storage.Grants.
func (s *Store) ListGrants(
	ctx context.Context, filter storage.GrantFilter, page storage.Page,
) (details []storage.GrantDetail, err error) {
	query, args := listGrants(filter, page)
	var rows []detailRow
	err = s.read(ctx, "list grants", func(tx *session) (err error) {
		rows, err = collect(tx, detailFields, query, args...)
		return err
	})
	for _, row := range rows {
		details = append(details, row.detail())
	}
	return details, err
}

func listGrants(filter storage.GrantFilter, page storage.Page) (query string, args []any) {
	var where conditions
	where.selection(filter)
	if !filter.IncludeEnded {
		where.live(filter.Now)
	}
	if !page.After.IsZero() {
		where.and(`(g.create_time, g.id) < (` + where.arg(page.After.CreateTime) + `, ` + where.arg(page.After.ID) + `)`)
	}
	query = selectDetail + where.clause() + ` ORDER BY g.create_time DESC, g.id DESC LIMIT ` + where.arg(page.Limit)
	return query, where.args
}

// RevokeGrants implements storage.Grants.
func (s *Store) RevokeGrants(
	ctx context.Context, filter storage.GrantFilter, reason string,
) (revoked []string, err error) {
	if filter.NamesNobody() {
		return nil, nil
	}
	run := s.write
	if filter.CoversCodes() {
		run = s.transact // a statement for the codes, and one for the grants
	}
	err = run(ctx, "revoke grants", func(tx *session) (err error) {
		revoked, err = revoke(tx, filter, reason)
		return err
	})
	return revoked, err
}

// revoke ends the live grants of a filter and records them in the outbox, in one statement. The codes that would become
// others go first, in a statement of their own: it waits for a redemption under way, and only a statement that begins
// after that sees the grant.
//
// In a transaction it comes last: from here to the commit nobody else can revoke.
func revoke(tx *session, filter storage.GrantFilter, reason string) ([]string, error) {
	if filter.CoversCodes() {
		query, args := burnCodes(filter)
		if _, err := tx.change(query, args...); err != nil {
			return nil, err
		}
	}
	query, args := revokeGrants(filter, reason)
	return tx.texts(query, args...)
}

func revokeGrants(filter storage.GrantFilter, reason string) (query string, args []any) {
	var where conditions
	set := `revoke_time = ` + where.arg(filter.Now) + `, revoke_reason = ` + where.arg(reason)
	where.selection(filter)
	where.live(filter.Now)
	which := where.clause()
	if filter.AtMost > 0 { // chosen and locked as sweeps do it, but nothing is skipped
		which = ` WHERE g.id = ANY(ARRAY(SELECT g.id FROM grants g` + which +
			` LIMIT ` + where.arg(filter.AtMost) + ` FOR UPDATE))`
	}
	query = `WITH revoked AS (
			UPDATE grants g SET ` + set + which + ` RETURNING g.id, g.revoke_time
		), ` + recordRevoked + `
		SELECT id FROM revoked`
	return query, where.args
}

// burnCodes burns the codes that a filter covers.
func burnCodes(filter storage.GrantFilter) (query string, args []any) {
	var where conditions
	now := where.arg(filter.Now)
	where.selection(filter)
	where.and(`g.use_time IS NULL AND g.expire_time > ` + now)
	return `UPDATE codes g SET use_time = ` + now + where.clause(), where.args
}
