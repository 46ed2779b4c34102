package transfer

// Clients describes registered clients.
func Clients() Table {
	return table("clients",
		required("id", Text),
		required("origin", Text),
		required("name", Text),
		required("auth_method", Text),
		optional("secret_hash", Bytes),
		optional("redirect_uris", List),
		optional("grant_types", List),
		optional("scopes", List),
		required("application_type", Text),
		required("client_uri", Text),
		required("logo_uri", Text),
		required("software_id", Text),
		required("software_version", Text),
		required("create_time", Time),
		optional("last_used_time", Time),
	)
}

// Users describes people as providers know them.
func Users() Table {
	return table("users",
		required("id", Text),
		required("provider", Text),
		required("issuer", Text),
		required("subject", Text),
		required("name", Text),
		required("given_name", Text),
		required("family_name", Text),
		required("email", Text),
		required("email_verified", Bool),
		required("preferred_username", Text),
		optional("group_names", List),
		optional("update_time", Time),
	)
}

// Credentials describes the providers' tokens.
func Credentials() Table {
	return table("credentials",
		required("id", Text),
		required("user_id", Text),
		required("provider", Text),
		required("scopes", Text),
		optional("sealed", Bytes),
		optional("access_expire_time", Time),
		optional("refresh_expire_time", Time),
		required("has_refresh_token", Bool),
		required("session_id", Text),
		required("version", Int),
		optional("update_time", Time),
		required("attempts", Int),
		optional("lease_time", Time),
		required("fence", Int),
	)
}

// Transactions describes authorization requests and logins.
func Transactions() Table {
	return table("transactions",
		required("id", Text),
		required("handle_hash", Bytes),
		required("status", Text),
		required("client_id", Text),
		required("redirect_uri", Text),
		required("redirect_given", Bool),
		required("client_state", Text),
		required("has_state", Bool),
		required("challenge", Text),
		required("resource", Text),
		optional("scopes", List),
		required("provider", Text),
		required("create_time", Time),
		required("expire_time", Time),
		optional("page_hash", Bytes),
		optional("state_hash", Bytes),
		optional("browser_hash", Bytes),
		optional("sealed", Bytes),
	)
}

// Codes describes authorization codes.
func Codes() Table {
	return table("codes",
		required("hash", Bytes),
		required("grant_id", Text),
		required("client_id", Text),
		required("redirect_uri", Text),
		required("redirect_given", Bool),
		required("challenge", Text),
		required("resource", Text),
		optional("scopes", List),
		required("user_id", Text),
		required("credential_id", Text),
		required("create_time", Time),
		required("expire_time", Time),
		optional("use_time", Time),
	)
}

// Grants describes grants with the heads of their lines of refresh tokens.
func Grants() Table {
	return table("grants",
		required("id", Text),
		required("client_id", Text),
		required("user_id", Text),
		required("credential_id", Text),
		required("resource", Text),
		optional("scopes", List),
		required("create_time", Time),
		optional("last_used_time", Time),
		required("expire_time", Time),
		optional("revoke_time", Time),
		required("revoke_reason", Text),
		optional("refresh_generation", Int),
		optional("refresh_hash", Bytes),
		optional("refresh_rotate_time", Time),
		optional("refresh_expire_time", Time),
	)
}

// Revocations describes the outbox.
func Revocations() Table {
	return table("revocations",
		required("sequence", Int),
		required("grant_id", Text),
		required("create_time", Time),
	)
}

// AccountSessions describes sign-ins of the account page.
func AccountSessions() Table {
	return table("account_sessions",
		required("hash", Bytes),
		required("user_id", Text),
		required("session_id", Text),
		required("create_time", Time),
		required("expire_time", Time),
	)
}

// Assertions describes identifiers that may be used once.
func Assertions() Table {
	return table("assertions",
		required("hash", Bytes),
		required("expire_time", Time),
	)
}

// SigningKeys describes signing keys.
func SigningKeys() Table {
	return table("signing_keys",
		required("id", Text),
		required("purpose", Text),
		required("algorithm", Text),
		optional("sealed", Bytes),
		optional("public_jwk", Bytes),
		required("create_time", Time),
		required("activate_time", Time),
	)
}
