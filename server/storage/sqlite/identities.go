package sqlite

import (
	"time"

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

const (
	// Provider, issuer and subject are never overwritten: the ID derives from them.
	upsertUser = `INSERT INTO users (` + userColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, given_name = excluded.given_name,
			family_name = excluded.family_name, email = excluded.email, email_verified = excluded.email_verified,
			preferred_username = excluded.preferred_username, group_names = excluded.group_names,
			update_time = excluded.update_time`

	// The tokens of a new login are untried, and a renewal of the old ones that is under way is void.
	upsertCredential = `INSERT INTO credentials (` + credentialColumns + `)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, access_expire_time = excluded.access_expire_time,
			refresh_expire_time = excluded.refresh_expire_time, has_refresh_token = excluded.has_refresh_token,
			session_id = excluded.session_id, version = credentials.version + 1, update_time = excluded.update_time,
			attempts = 0, lease_time = NULL`
)

// saveIdentity stores who logged in and what the provider gave for them.
func saveIdentity(tx *session, user storage.User, credential storage.Credential) error {
	if _, err := tx.insert(upsertUser, userFields(&user)...); err != nil {
		return err
	}
	credential.Version, credential.Attempts, credential.LeaseTime = 1, 0, time.Time{}
	_, err := tx.insert(upsertCredential, credentialFields(&credential)...)
	return err
}
