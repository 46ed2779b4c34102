package sqlite

import (
	"context"
	"strings"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const grantColumns = `id, client_id, user_id, credential_id, resource, scopes, create_time, last_used_time, expire_time,
	revoke_time, revoke_reason, refresh_generation, refresh_hash, refresh_rotate_time, refresh_expire_time`

// grantFields matches grantColumns.
func grantFields(g *storage.Grant) []any {
	return append([]any{
		&g.ID, &g.ClientID, &g.UserID, &g.CredentialID, &g.Resource,
		list{&g.Scopes},
		instant{&g.CreateTime},
		instant{&g.LastUsedTime},
		instant{&g.ExpireTime},
		instant{&g.RevokeTime},
		&g.RevokeReason,
	}, refreshFields(&g.Refresh)...)
}

// grantDetailFields matches the columns of selectGrantDetail.
func grantDetailFields(d *storage.GrantDetail) []any {
	fields := append(grantFields(&d.Grant), userFields(&d.User)...)
	return append(fields, &d.ClientName, &d.ClientOrigin)
}

// evidenceFields matches the columns of selectEvidence.
func evidenceFields(e *storage.Evidence) []any {
	fields := append(grantFields(&e.Grant), userFields(&e.User)...)
	return append(fields, &e.Confirmation.CredentialID, &e.Confirmation.Version, instant{&e.Confirmation.UpdateTime})
}

const (
	insertGrant = `INSERT INTO grants (` + grantColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectGrant = `SELECT ` + grantColumns + ` FROM grants WHERE id = ?`

	// The columns of grants and users, spelled out because their names overlap.
	grantAndUser = `g.id, g.client_id, g.user_id, g.credential_id, g.resource, g.scopes, g.create_time,
			g.last_used_time, g.expire_time, g.revoke_time, g.revoke_reason, g.refresh_generation, g.refresh_hash,
			g.refresh_rotate_time, g.refresh_expire_time,
			u.id, u.provider, u.issuer, u.subject, u.name, u.given_name, u.family_name, u.email, u.email_verified,
			u.preferred_username, u.group_names, u.update_time`

	selectGrantDetail = `SELECT ` + grantAndUser + `, coalesce(k.name, ''), coalesce(k.origin, '')
		FROM grants g
			JOIN users u ON u.id = g.user_id
			LEFT JOIN clients k ON k.id = g.client_id`

	selectEvidence = `SELECT ` + grantAndUser + `, coalesce(c.id, ''), coalesce(c.version, 0), c.update_time
		FROM grants g
			JOIN users u ON u.id = g.user_id
			LEFT JOIN credentials c ON c.id = g.credential_id
		WHERE g.id = ?`
)

// Grant implements storage.Grants.
func (s *Store) Grant(ctx context.Context, id string) (grant storage.Grant, err error) {
	err = s.reader.lookup(ctx, grantFields(&grant), selectGrant, id)
	return grant, answer("read grant", err)
}

// Evidence implements storage.Grants.
func (s *Store) Evidence(ctx context.Context, grantID string) (evidence storage.Evidence, err error) {
	err = s.reader.lookup(ctx, evidenceFields(&evidence), selectEvidence, grantID)
	return evidence, answer("read evidence", err)
}

// ListGrants implements storage.Grants.
func (s *Store) ListGrants(
	ctx context.Context, filter storage.GrantFilter, page storage.Page,
) ([]storage.GrantDetail, error) {
	query, args := listGrants(filter, page)
	rows, err := s.reader.query(ctx, query, args...)
	grants, err := collect(rows, err, grantDetailFields)
	return grants, answer("list grants", err)
}

func listGrants(filter storage.GrantFilter, page storage.Page) (query string, args []any) {
	where := selection(filter)
	if !filter.IncludeEnded {
		where.live(filter)
	}
	if !page.After.IsZero() {
		where.and(`(g.create_time, g.id) < (?, ?)`, at(page.After.CreateTime), page.After.ID)
	}
	query = selectGrantDetail + where.clause() + ` ORDER BY g.create_time DESC, g.id DESC LIMIT ?`
	return query, append(where.args, page.Limit)
}

// conditions is a WHERE clause in the making. Its texts are constants: filters only choose among them.
type conditions struct {
	texts []string
	args  []any
}

func (c *conditions) and(text string, args ...any) {
	c.texts = append(c.texts, text)
	c.args = append(c.args, args...)
}

// live restricts to grants that are neither revoked nor expired.
func (c *conditions) live(filter storage.GrantFilter) {
	c.and(`g.revoke_time IS NULL AND g.expire_time > ?`, at(filter.Now))
}

func (c *conditions) clause() string {
	if len(c.texts) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(c.texts, ` AND `)
}

// selection is what a filter says about whose grants g they are. Codes have the same columns, except for the id.
func selection(filter storage.GrantFilter) conditions {
	var where conditions
	for _, c := range []struct{ text, value string }{
		{`g.id = ?`, filter.ID},
		{`g.client_id = ?`, filter.ClientID},
		{`g.user_id = ?`, filter.UserID},
		{`g.credential_id = ?`, filter.CredentialID},
	} {
		if c.value != "" {
			where.and(c.text, c.value)
		}
	}
	if !filter.CreatedUntil.IsZero() {
		where.and(`g.create_time <= ?`, at(filter.CreatedUntil))
	}
	return where
}
