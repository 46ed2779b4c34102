-- A sign-in to the account page ends with the session at the provider ("sid") that it came from. It is empty where the
-- provider named none, for sign-ins of before, and for those of a replica that is not updated yet.
ALTER TABLE account_sessions ADD COLUMN session_id text NOT NULL DEFAULT '';

CREATE INDEX account_sessions_session ON account_sessions (session_id) WHERE session_id <> '';
