package postgres

import (
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// conditions is a WHERE clause on grants g in the making, with the arguments of the whole statement. Its texts are
// constants: filters only choose among them.
type conditions struct {
	texts []string
	args  []any
}

// arg adds an argument and returns its place in the statement.
func (c *conditions) arg(value any) string {
	c.args = append(c.args, value)
	return "$" + strconv.Itoa(len(c.args))
}

func (c *conditions) and(text string) { c.texts = append(c.texts, text) }

// live restricts to grants that are neither revoked nor expired.
func (c *conditions) live(now time.Time) {
	c.and(`g.revoke_time IS NULL AND g.expire_time > ` + c.arg(now))
}

// selection is what a filter says about whose grants they are. Codes have the same columns, except for the id.
func (c *conditions) selection(filter storage.GrantFilter) {
	if filter.ID != "" {
		c.and(`g.id = ` + c.arg(filter.ID))
	}
	if filter.ClientID != "" {
		c.and(`g.client_id = ` + c.arg(filter.ClientID))
	}
	if filter.UserID != "" {
		c.and(`g.user_id = ` + c.arg(filter.UserID))
	}
	if filter.CredentialID != "" {
		c.and(`g.credential_id = ` + c.arg(filter.CredentialID))
	}
	if !filter.CreatedUntil.IsZero() {
		c.and(`g.create_time <= ` + c.arg(filter.CreatedUntil))
	}
}

func (c *conditions) clause() string {
	if len(c.texts) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(c.texts, ` AND `)
}
