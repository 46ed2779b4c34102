package postgres

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func accountSessionFields(a *storage.AccountSession) []any {
	return []any{digest{&a.Hash}, &a.UserID, &a.SessionID, instant{&a.CreateTime}, instant{&a.ExpireTime}}
}

const (
	insertAccountSession = `INSERT INTO account_sessions (hash, user_id, session_id, create_time, expire_time)
		VALUES ($1, $2, $3, $4, $5)`

	selectAccountSession = `SELECT a.hash, a.user_id, a.session_id, a.create_time, a.expire_time,
			u.id, u.provider, u.issuer, u.subject, u.name, u.given_name, u.family_name, u.email, u.email_verified,
			u.preferred_username, u.group_names, u.update_time
		FROM account_sessions a JOIN users u ON u.id = a.user_id
		WHERE a.hash = $1 AND a.expire_time > $2`

	deleteAccountSessionsOfUser = `DELETE FROM account_sessions WHERE user_id = $1 AND create_time <= $2`

	deleteAccountSessionsOfProvider = `DELETE FROM account_sessions a
		WHERE a.session_id = $1 AND a.session_id <> '' AND (a.user_id = $2 OR $2 = '')
			AND EXISTS (SELECT 1 FROM users u WHERE u.id = a.user_id AND u.provider = $3)`
)

// CompleteAccountLogin implements storage.AccountSessions.
func (s *Store) CompleteAccountLogin(
	ctx context.Context, transactionID string, user storage.User, account storage.AccountSession,
) error {
	return s.transact(ctx, "complete account login", func(tx *session) error {
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
	err = s.read(ctx, "read account session", func(tx *session) error {
		dest := append(accountSessionFields(&account), userFields(&user)...)
		return tx.row(dest, selectAccountSession, digest{&hash}, now)
	})
	return account, user, err
}

// DeleteAccountSession implements storage.AccountSessions.
func (s *Store) DeleteAccountSession(ctx context.Context, hash secret.Hash) error {
	return s.write(ctx, "delete account session", func(tx *session) error {
		_, err := tx.change(`DELETE FROM account_sessions WHERE hash = $1`, digest{&hash})
		return err
	})
}

// DeleteAccountSessionsOfUser implements storage.AccountSessions.
func (s *Store) DeleteAccountSessionsOfUser(ctx context.Context, userID string, until time.Time) (int, error) {
	return s.deleteAccountSessions(ctx, deleteAccountSessionsOfUser, userID, until)
}

// DeleteAccountSessionsOfProvider implements storage.AccountSessions.
func (s *Store) DeleteAccountSessionsOfProvider(
	ctx context.Context, provider, sessionID, userID string,
) (int, error) {
	return s.deleteAccountSessions(ctx, deleteAccountSessionsOfProvider, sessionID, userID, provider)
}

func (s *Store) deleteAccountSessions(ctx context.Context, query string, args ...any) (deleted int, err error) {
	err = s.write(ctx, "delete account sessions", func(tx *session) (err error) {
		deleted, err = tx.change(query, args...)
		return err
	})
	return deleted, err
}
