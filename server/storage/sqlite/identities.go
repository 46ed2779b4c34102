package sqlite

import "github.com/gatehouse-auth/gatehouse/server/storage"

const (
	userColumns = `id, provider, issuer, subject, name, given_name, family_name, email, email_verified,
	preferred_username, group_names, update_time`

	credentialColumns = `id, user_id, provider, scopes, sealed, access_expire_time, refresh_expire_time,
	has_refresh_token, version, update_time`
)

// userFields matches userColumns.
func userFields(u *storage.User) []any {
	return []any{
		&u.ID, &u.Provider, &u.Issuer, &u.Subject, &u.Name, &u.GivenName, &u.FamilyName, &u.Email, &u.EmailVerified,
		&u.PreferredUsername,
		list{&u.Groups},
		instant{&u.UpdateTime},
	}
}

// credentialFields matches credentialColumns.
func credentialFields(c *storage.Credential) []any {
	return []any{
		&c.ID, &c.UserID, &c.Provider, &c.Scopes,
		blob{&c.Sealed},
		instant{&c.AccessExpireTime},
		instant{&c.RefreshExpireTime},
		&c.HasRefreshToken, &c.Version,
		instant{&c.UpdateTime},
	}
}

const (
	// Provider, issuer and subject are never overwritten: the ID derives from them.
	upsertUser = `INSERT INTO users (` + userColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, given_name = excluded.given_name,
			family_name = excluded.family_name, email = excluded.email, email_verified = excluded.email_verified,
			preferred_username = excluded.preferred_username, group_names = excluded.group_names,
			update_time = excluded.update_time`

	upsertCredential = `INSERT INTO credentials (` + credentialColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, access_expire_time = excluded.access_expire_time,
			refresh_expire_time = excluded.refresh_expire_time, has_refresh_token = excluded.has_refresh_token,
			version = credentials.version + 1, update_time = excluded.update_time`
)

// saveIdentity stores who logged in and what the provider gave for them.
func saveIdentity(tx *session, user storage.User, credential storage.Credential) error {
	if _, err := tx.insert(upsertUser, userFields(&user)...); err != nil {
		return err
	}
	credential.Version = 1
	_, err := tx.insert(upsertCredential, credentialFields(&credential)...)
	return err
}
