package sqlite

import "github.com/gatehouse-auth/gatehouse/server/storage"

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
const upsertUser = `INSERT INTO users (` + userColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, given_name = excluded.given_name,
		family_name = excluded.family_name, email = excluded.email, email_verified = excluded.email_verified,
		preferred_username = excluded.preferred_username, group_names = excluded.group_names,
		update_time = excluded.update_time`

// saveUser stores who logged in.
func saveUser(tx *session, user storage.User) error {
	_, err := tx.insert(upsertUser, userFields(&user)...)
	return err
}
