package postgres

import (
	"fmt"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const userColumns = `id, provider, issuer, subject, name, given_name, family_name, email, email_verified,
	preferred_username, group_names, update_time`

// userFields matches userColumns.
func userFields(u *storage.User) []any {
	return []any{
		&u.ID, &u.Provider, &u.Issuer, &u.Subject, &u.Name, &u.GivenName, &u.FamilyName, &u.Email, &u.EmailVerified,
		&u.PreferredUsername,
		list{&u.Groups},
		instant{&u.UpdateTime},
	}
}

// Provider, issuer and subject are never overwritten: the ID derives from them.
const upsertUser = `INSERT INTO users (` + userColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, given_name = excluded.given_name,
		family_name = excluded.family_name, email = excluded.email, email_verified = excluded.email_verified,
		preferred_username = excluded.preferred_username, group_names = excluded.group_names,
		update_time = excluded.update_time`

// saveUser stores who logged in. It locks the user's row until the end of the transaction, which keeps a sweep from
// taking the user meanwhile.
//
// Two first logins of one user at once may meet in the index over the subject, which ON CONFLICT does not cover. The one
// that loses finds the row at its next try.
func saveUser(tx *session, user storage.User) error {
	_, err := tx.insert(upsertUser, userFields(&user)...)
	if sqlState(err) == uniqueViolation {
		return fmt.Errorf("%w: %w", errMet, err)
	}
	return err
}
