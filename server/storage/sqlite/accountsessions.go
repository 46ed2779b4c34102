package sqlite

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// accountSessionFields matches the columns of account_sessions.
func accountSessionFields(a *storage.AccountSession) []any {
	return []any{digest{&a.Hash}, &a.UserID, &a.SessionID, instant{&a.CreateTime}, instant{&a.ExpireTime}}
}

const (
	insertAccountSession = `INSERT INTO account_sessions (hash, user_id, session_id, create_time, expire_time)
		VALUES (?, ?, ?, ?, ?)`

	selectAccountSession = `SELECT a.hash, a.user_id, a.session_id, a.create_time, a.expire_time,
			u.id, u.provider, u.issuer, u.subject, u.name, u.given_name, u.family_name, u.email, u.email_verified,
			u.preferred_username, u.group_names, u.update_time
		FROM account_sessions a JOIN users u ON u.id = a.user_id
		WHERE a.hash = ? AND a.expire_time > ?`

	deleteAccountSession = `DELETE FROM account_sessions WHERE hash = ?`

	deleteAccountSessionsOfUser = `DELETE FROM account_sessions WHERE user_id = ? AND create_time <= ?`

	deleteAccountSessionsOfProvider = `DELETE FROM account_sessions
		WHERE session_id = ? AND session_id <> '' AND (user_id = ? OR ? = '')
			AND EXISTS (SELECT 1 FROM users u WHERE u.id = account_sessions.user_id AND u.provider = ?)`
)

// CompleteAccountLogin implements storage.AccountSessions.
func (s *Store) CompleteAccountLogin(
	ctx context.Context, transactionID string, user storage.User, account storage.AccountSession,
) error {
	return s.write(ctx, "complete account login", func(tx *session) error {
		if err := leaveClaimed(tx, completeTransaction, transactionID); err != nil {
			return err
		}
		if err := saveUser(tx, user); err != nil {
			return err
		}
		_, err := tx.insert(insertAccountSession, accountSessionFields(&account)...)
		return err
	})
}

// AccountSession implements storage.AccountSessions.
func (s *Store) AccountSession(
	ctx context.Context, hash secret.Hash, now time.Time,
) (account storage.AccountSession, user storage.User, err error) {
	fields := append(accountSessionFields(&account), userFields(&user)...)
	err = s.reader.lookup(ctx, fields, selectAccountSession, digest{&hash}, at(now))
	return account, user, answer("read account session", err)
}

// DeleteAccountSession implements storage.AccountSessions.
func (s *Store) DeleteAccountSession(ctx context.Context, hash secret.Hash) error {
	return s.write(ctx, "delete account session", func(tx *session) error {
		return tx.run(deleteAccountSession, digest{&hash})
	})
}

// DeleteAccountSessionsOfUser implements storage.AccountSessions.
func (s *Store) DeleteAccountSessionsOfUser(ctx context.Context, userID string, until time.Time) (int, error) {
	return s.deleteAccountSessions(ctx, deleteAccountSessionsOfUser, userID, at(until))
}

// DeleteAccountSessionsOfProvider implements storage.AccountSessions.
func (s *Store) DeleteAccountSessionsOfProvider(
	ctx context.Context, provider, sessionID, userID string,
) (int, error) {
	return s.deleteAccountSessions(ctx, deleteAccountSessionsOfProvider, sessionID, userID, userID, provider)
}

func (s *Store) deleteAccountSessions(ctx context.Context, query string, args ...any) (deleted int, err error) {
	err = s.write(ctx, "delete account sessions", func(tx *session) (err error) {
		deleted, err = tx.change(query, args...)
		return err
	})
	return deleted, err
}
