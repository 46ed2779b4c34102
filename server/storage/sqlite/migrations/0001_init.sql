-- Times are microseconds since the epoch in UTC; NULL where the record has none. Lists are JSON arrays of strings.
-- client_id is no foreign key: a client may live at a URL, and a grant outlives a deleted client. Neither is
-- credential_id: a credential goes back to the provider as soon as no live grant needs it.

CREATE TABLE clients (
    id               TEXT    NOT NULL PRIMARY KEY,
    origin           TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    auth_method      TEXT    NOT NULL,
    secret_hash      BLOB,
    redirect_uris    TEXT    NOT NULL,
    grant_types      TEXT    NOT NULL,
    scopes           TEXT    NOT NULL,
    application_type TEXT    NOT NULL,
    client_uri       TEXT    NOT NULL,
    logo_uri         TEXT    NOT NULL,
    software_id      TEXT    NOT NULL,
    software_version TEXT    NOT NULL,
    create_time      INTEGER NOT NULL,
    last_used_time   INTEGER
) STRICT;

CREATE INDEX clients_newest ON clients (create_time, id);
-- Counted by every registration, from the index alone.
CREATE INDEX clients_unused ON clients (create_time, last_used_time)
    WHERE origin = 'dynamic' AND last_used_time IS NULL;
CREATE INDEX clients_idle ON clients (last_used_time)
    WHERE origin = 'dynamic' AND last_used_time IS NOT NULL;

CREATE TABLE transactions (
    id             TEXT    NOT NULL PRIMARY KEY,
    handle_hash    BLOB    NOT NULL UNIQUE,
    status         TEXT    NOT NULL,
    client_id      TEXT    NOT NULL,
    redirect_uri   TEXT    NOT NULL,
    redirect_given INTEGER NOT NULL,
    client_state   TEXT    NOT NULL,
    has_state      INTEGER NOT NULL,
    challenge      TEXT    NOT NULL,
    resource       TEXT    NOT NULL,
    scopes         TEXT    NOT NULL,
    provider       TEXT    NOT NULL,
    create_time    INTEGER NOT NULL,
    expire_time    INTEGER NOT NULL,
    page_hash      BLOB,
    state_hash     BLOB UNIQUE,
    browser_hash   BLOB,
    sealed         BLOB
) STRICT;

CREATE INDEX transactions_client ON transactions (client_id, expire_time);
-- Counted by every authorization request and every login.
CREATE INDEX transactions_expire ON transactions (expire_time);

CREATE TABLE users (
    id                 TEXT    NOT NULL PRIMARY KEY,
    provider           TEXT    NOT NULL,
    issuer             TEXT    NOT NULL,
    subject            TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    given_name         TEXT    NOT NULL,
    family_name        TEXT    NOT NULL,
    email              TEXT    NOT NULL,
    email_verified     INTEGER NOT NULL,
    preferred_username TEXT    NOT NULL,
    group_names        TEXT    NOT NULL,
    update_time        INTEGER,
    UNIQUE (provider, issuer, subject)
) STRICT;

CREATE TABLE credentials (
    id                  TEXT    NOT NULL PRIMARY KEY,
    user_id             TEXT    NOT NULL REFERENCES users (id),
    provider            TEXT    NOT NULL,
    scopes              TEXT    NOT NULL,
    sealed              BLOB,
    access_expire_time  INTEGER,
    refresh_expire_time INTEGER,
    has_refresh_token   INTEGER NOT NULL,
    session_id          TEXT    NOT NULL,
    version             INTEGER NOT NULL,
    update_time         INTEGER,
    attempts            INTEGER NOT NULL,
    lease_time          INTEGER, -- NULL when nobody renews
    fence               INTEGER NOT NULL DEFAULT 0 -- of the last lease
) STRICT;

CREATE INDEX credentials_user ON credentials (user_id);
CREATE INDEX credentials_oldest ON credentials (update_time, id);
CREATE INDEX credentials_session ON credentials (provider, session_id, id) WHERE session_id <> '';

CREATE TABLE codes (
    hash           BLOB    NOT NULL PRIMARY KEY,
    grant_id       TEXT    NOT NULL,
    client_id      TEXT    NOT NULL,
    redirect_uri   TEXT    NOT NULL,
    redirect_given INTEGER NOT NULL,
    challenge      TEXT    NOT NULL,
    resource       TEXT    NOT NULL,
    scopes         TEXT    NOT NULL,
    user_id        TEXT    NOT NULL REFERENCES users (id),
    credential_id  TEXT    NOT NULL,
    create_time    INTEGER NOT NULL,
    expire_time    INTEGER NOT NULL,
    use_time       INTEGER
) STRICT;

CREATE INDEX codes_client ON codes (client_id, expire_time);
CREATE INDEX codes_user ON codes (user_id);
CREATE INDEX codes_credential ON codes (credential_id, expire_time);
CREATE INDEX codes_expire ON codes (expire_time);

-- The line of refresh tokens is part of its grant, all columns NULL when the grant does not refresh. No index has these
-- columns, so that a rotation writes the row and nothing else.
CREATE TABLE grants (
    id                  TEXT    NOT NULL PRIMARY KEY,
    client_id           TEXT    NOT NULL,
    user_id             TEXT    NOT NULL REFERENCES users (id),
    credential_id       TEXT    NOT NULL,
    resource            TEXT    NOT NULL,
    scopes              TEXT    NOT NULL,
    create_time         INTEGER NOT NULL,
    last_used_time      INTEGER,
    expire_time         INTEGER NOT NULL,
    revoke_time         INTEGER,
    revoke_reason       TEXT    NOT NULL,
    refresh_generation  INTEGER,
    refresh_hash        BLOB,
    refresh_rotate_time INTEGER,
    refresh_expire_time INTEGER
) STRICT;

CREATE INDEX grants_newest ON grants (create_time, id);
CREATE INDEX grants_client ON grants (client_id, create_time, id);
CREATE INDEX grants_user ON grants (user_id, create_time, id);
CREATE INDEX grants_credential ON grants (credential_id, create_time, id);
CREATE INDEX grants_expire ON grants (expire_time);
CREATE INDEX grants_revoke ON grants (revoke_time) WHERE revoke_time IS NOT NULL;

-- AUTOINCREMENT, because a reader that has seen a sequence would overlook a grant that gets it again after a sweep.
CREATE TABLE revocations (
    sequence    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    grant_id    TEXT    NOT NULL,
    create_time INTEGER NOT NULL
) STRICT;

CREATE INDEX revocations_create ON revocations (create_time);

CREATE TABLE account_sessions (
    hash        BLOB    NOT NULL PRIMARY KEY,
    user_id     TEXT    NOT NULL REFERENCES users (id),
    create_time INTEGER NOT NULL,
    expire_time INTEGER NOT NULL
) STRICT;

CREATE INDEX account_sessions_user ON account_sessions (user_id);
CREATE INDEX account_sessions_expire ON account_sessions (expire_time);

CREATE TABLE assertions (
    hash        BLOB    NOT NULL PRIMARY KEY,
    expire_time INTEGER NOT NULL
) STRICT;

CREATE INDEX assertions_expire ON assertions (expire_time);

CREATE TABLE signing_keys (
    id            TEXT    NOT NULL PRIMARY KEY,
    purpose       TEXT    NOT NULL,
    algorithm     TEXT    NOT NULL,
    sealed        BLOB,
    public_jwk    BLOB,
    create_time   INTEGER NOT NULL,
    activate_time INTEGER NOT NULL
) STRICT;

-- Ping writes here, so that "ready" means that the disk takes writes.
CREATE TABLE heartbeat (
    beats INTEGER NOT NULL
) STRICT;

INSERT INTO heartbeat (beats) VALUES (0);
