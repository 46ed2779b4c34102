-- NULL is the zero time, the empty list or the absent value of a record.
--
-- client_id is no foreign key: a client may live at a URL, and a grant outlives a deleted client. Neither is credential_id:
-- ended grants and codes outlive the credential.

CREATE TABLE clients (
    id               text        NOT NULL PRIMARY KEY,
    origin           text        NOT NULL,
    name             text        NOT NULL,
    auth_method      text        NOT NULL,
    secret_hash      bytea,
    redirect_uris    text[],
    grant_types      text[],
    scopes           text[],
    application_type text        NOT NULL,
    client_uri       text        NOT NULL,
    logo_uri         text        NOT NULL,
    software_id      text        NOT NULL,
    software_version text        NOT NULL,
    create_time      timestamptz NOT NULL,
    last_used_time   timestamptz
);

CREATE INDEX clients_newest ON clients (create_time, id);
-- Counted by every registration.
CREATE INDEX clients_unused ON clients (create_time) WHERE origin = 'dynamic' AND last_used_time IS NULL;
CREATE INDEX clients_idle ON clients (last_used_time) WHERE origin = 'dynamic' AND last_used_time IS NOT NULL;

CREATE TABLE transactions (
    id             text        NOT NULL PRIMARY KEY,
    handle_hash    bytea       NOT NULL UNIQUE,
    status         text        NOT NULL,
    client_id      text        NOT NULL,
    redirect_uri   text        NOT NULL,
    redirect_given boolean     NOT NULL,
    client_state   text        NOT NULL,
    has_state      boolean     NOT NULL,
    challenge      text        NOT NULL,
    resource       text        NOT NULL,
    scopes         text[],
    provider       text        NOT NULL,
    create_time    timestamptz NOT NULL,
    expire_time    timestamptz NOT NULL,
    page_hash      bytea,
    state_hash     bytea UNIQUE,
    browser_hash   bytea,
    sealed         bytea
);

CREATE INDEX transactions_client ON transactions (client_id, expire_time);
-- Counted by every authorization request.
CREATE INDEX transactions_expire ON transactions (expire_time);

CREATE TABLE users (
    id                 text    NOT NULL PRIMARY KEY,
    provider           text    NOT NULL,
    issuer             text    NOT NULL,
    subject            text    NOT NULL,
    name               text    NOT NULL,
    given_name         text    NOT NULL,
    family_name        text    NOT NULL,
    email              text    NOT NULL,
    email_verified     boolean NOT NULL,
    preferred_username text    NOT NULL,
    group_names        text[],
    update_time        timestamptz,
    UNIQUE (provider, issuer, subject)
);

CREATE TABLE credentials (
    id                  text    NOT NULL PRIMARY KEY,
    user_id             text    NOT NULL REFERENCES users (id),
    provider            text    NOT NULL,
    scopes              text    NOT NULL,
    sealed              bytea,
    access_expire_time  timestamptz,
    refresh_expire_time timestamptz,
    has_refresh_token   boolean NOT NULL,
    session_id          text    NOT NULL,
    version             bigint  NOT NULL,
    update_time         timestamptz,
    attempts            bigint  NOT NULL,
    lease_time          timestamptz,
    -- Of the lease that stands while lease_time is set.
    fence               bigint  NOT NULL DEFAULT 0
);

CREATE INDEX credentials_user ON credentials (user_id);
CREATE INDEX credentials_session ON credentials (provider, session_id) WHERE session_id <> '';
CREATE INDEX credentials_oldest ON credentials (update_time NULLS FIRST, id);

-- One for all credentials, so that a fence is never given out again, not even for a credential that was deleted and
-- came back.
CREATE SEQUENCE credential_fences;

CREATE TABLE codes (
    hash           bytea       NOT NULL PRIMARY KEY,
    grant_id       text        NOT NULL,
    client_id      text        NOT NULL,
    redirect_uri   text        NOT NULL,
    redirect_given boolean     NOT NULL,
    challenge      text        NOT NULL,
    resource       text        NOT NULL,
    scopes         text[],
    user_id        text        NOT NULL REFERENCES users (id),
    credential_id  text        NOT NULL,
    create_time    timestamptz NOT NULL,
    expire_time    timestamptz NOT NULL,
    use_time       timestamptz
) WITH (fillfactor = 50); -- each row changes once, in no indexed column, and stays on its page when there is room

CREATE INDEX codes_client ON codes (client_id, expire_time);
CREATE INDEX codes_user ON codes (user_id);
CREATE INDEX codes_credential ON codes (credential_id);
CREATE INDEX codes_expire ON codes (expire_time);

CREATE TABLE grants (
    id                   text        NOT NULL PRIMARY KEY,
    client_id            text        NOT NULL,
    user_id              text        NOT NULL REFERENCES users (id),
    credential_id        text        NOT NULL,
    resource             text        NOT NULL,
    scopes               text[],
    create_time          timestamptz NOT NULL,
    last_used_time       timestamptz,
    expire_time          timestamptz NOT NULL,
    revoke_time          timestamptz,
    revoke_reason        text        NOT NULL,
    -- The head of the line of refresh tokens. Generation 0: the client may not refresh.
    refresh_generation   bigint      NOT NULL,
    refresh_hash         bytea,
    refresh_rotate_time  timestamptz,
    refresh_expire_time  timestamptz
) WITH (fillfactor = 80); -- a rotation changes no indexed column either

CREATE INDEX grants_newest ON grants (create_time, id);
CREATE INDEX grants_client ON grants (client_id, create_time, id);
CREATE INDEX grants_user ON grants (user_id, create_time, id);
CREATE INDEX grants_credential ON grants (credential_id);
CREATE INDEX grants_expire ON grants (expire_time);
CREATE INDEX grants_revoke ON grants (revoke_time) WHERE revoke_time IS NOT NULL;

-- A sequence by name and not an identity column, because the highest number ever given out is read from it.
CREATE SEQUENCE revocation_sequence;

CREATE TABLE revocations (
    sequence    bigint      NOT NULL DEFAULT nextval('revocation_sequence') PRIMARY KEY,
    grant_id    text        NOT NULL,
    create_time timestamptz NOT NULL
);

CREATE INDEX revocations_create ON revocations (create_time);

CREATE TABLE account_sessions (
    hash        bytea       NOT NULL PRIMARY KEY,
    user_id     text        NOT NULL REFERENCES users (id),
    create_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL
);

CREATE INDEX account_sessions_user ON account_sessions (user_id);
CREATE INDEX account_sessions_expire ON account_sessions (expire_time);

CREATE TABLE assertions (
    hash        bytea       NOT NULL PRIMARY KEY,
    expire_time timestamptz NOT NULL
);

CREATE INDEX assertions_expire ON assertions (expire_time);

CREATE TABLE signing_keys (
    id            text        NOT NULL PRIMARY KEY,
    purpose       text        NOT NULL,
    algorithm     text        NOT NULL,
    sealed        bytea,
    public_jwk    bytea,
    create_time   timestamptz NOT NULL,
    activate_time timestamptz NOT NULL
);

-- Whoever must take turns locks a row here (see turns.go).
CREATE TABLE turns (
    name text NOT NULL PRIMARY KEY
);

INSERT INTO turns (name) VALUES ('clients'), ('transactions'), ('signing_keys');

-- Ping writes here, so that "ready" means that the server takes writes.
CREATE TABLE heartbeat (
    id    bigint NOT NULL PRIMARY KEY,
    beats bigint NOT NULL
);

INSERT INTO heartbeat (id, beats) VALUES (1, 0);
