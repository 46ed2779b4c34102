-- A sign-in to the account page ends with the session at the provider ("sid") that it came from. It is empty where the
-- provider named none, and for sign-ins of before.
ALTER TABLE account_sessions ADD COLUMN session_id TEXT NOT NULL DEFAULT '';

CREATE INDEX account_sessions_session ON account_sessions (session_id) WHERE session_id <> '';
