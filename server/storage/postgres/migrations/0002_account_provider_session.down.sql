DROP INDEX account_sessions_session;
ALTER TABLE account_sessions DROP COLUMN session_id;
