package sqlite

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const codeColumns = `hash, grant_id, client_id, redirect_uri, redirect_given, challenge, resource, scopes, user_id,
	credential_id, create_time, expire_time, use_time`

// codeFields matches codeColumns.
func codeFields(c *storage.Code) []any {
	return []any{
		digest{&c.Hash},
		&c.GrantID, &c.ClientID, &c.RedirectURI, &c.RedirectGiven, &c.Challenge, &c.Resource,
		list{&c.Scopes},
		&c.UserID, &c.CredentialID,
		instant{&c.CreateTime},
		instant{&c.ExpireTime},
		instant{&c.UseTime},
	}
}

const (
	insertCode = `INSERT INTO codes (` + codeColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectCode = `SELECT ` + codeColumns + ` FROM codes WHERE hash = ?`

	redeemCode = `UPDATE codes SET use_time = ? WHERE hash = ? AND use_time IS NULL AND expire_time > ?`

	burnCode = `UPDATE codes SET use_time = ? WHERE hash = ? AND use_time IS NULL`

	codeIsUsed = `SELECT use_time IS NOT NULL FROM codes WHERE hash = ?`

	markClientOfCodeUsed = markUsed + ` AND id = (SELECT client_id FROM codes WHERE hash = ?2)`

	markClientUsed = markUsed + ` AND id = ?2`

	// A mark is good for a minute, as on PostgreSQL: it costs a row and an index.
	markUsed = `UPDATE clients SET last_used_time = ?1 WHERE (last_used_time IS NULL OR last_used_time < ?1 - 60000000)`
)

// CompleteTransaction implements storage.Codes.
func (s *Store) CompleteTransaction(ctx context.Context, completion storage.Completion) error {
	return s.write(ctx, "complete transaction", func(tx *session) error {
		if err := leaveClaimed(tx, completeTransaction, completion.TransactionID); err != nil {
			return err
		}
		if err := saveUser(tx, completion.User); err != nil {
			return err
		}
		if err := saveCredential(tx, completion.Credential); err != nil {
			return err
		}
		_, err := tx.insert(insertCode, codeFields(&completion.Code)...)
		return err
	})
}

// Code implements storage.Codes.
func (s *Store) Code(ctx context.Context, hash secret.Hash) (code storage.Code, err error) {
	err = s.reader.lookup(ctx, codeFields(&code), selectCode, hash.Bytes())
	return code, answer("read code", err)
}

// RedeemCode implements storage.Codes.
func (s *Store) RedeemCode(ctx context.Context, hash secret.Hash, now time.Time, grant storage.Grant) error {
	return s.write(ctx, "redeem code", func(tx *session) error {
		redeemed, err := tx.change(redeemCode, at(now), digest{&hash}, at(now))
		if err != nil {
			return err
		}
		if redeemed == 0 {
			return redeemRefusal(tx, hash)
		}
		if _, err := tx.insert(insertGrant, grantFields(&grant)...); err != nil {
			return err
		}
		return tx.run(markClientOfCodeUsed, at(now), digest{&hash})
	})
}

// redeemRefusal says why a code could not be redeemed. That it was used matters more than that it has expired, since
// it hints at a stolen code.
func redeemRefusal(tx *session, hash secret.Hash) error {
	var used bool
	if err := tx.row([]any{&used}, codeIsUsed, digest{&hash}); err != nil {
		return err
	}
	if used {
		return storage.ErrUsed
	}
	return storage.ErrExpired
}

// BurnCode implements storage.Codes.
func (s *Store) BurnCode(ctx context.Context, hash secret.Hash, now time.Time) error {
	return s.write(ctx, "burn code", func(tx *session) error {
		changed, err := tx.change(burnCode, at(now), digest{&hash})
		if err == nil && changed == 0 {
			return redeemRefusal(tx, hash)
		}
		return err
	})
}
