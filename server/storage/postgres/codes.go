package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

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
	insertCode = `INSERT INTO codes (` + codeColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

	selectCode = `SELECT ` + codeColumns + ` FROM codes WHERE hash = $1`

	// The exchange as one statement: code, grant and client change together or not at all, in one round trip.
	redeemCode = `WITH subject AS (
			UPDATE codes SET use_time = $1 WHERE hash = $2 AND use_time IS NULL AND expire_time > $1
			RETURNING client_id
		), granted AS (
			INSERT INTO grants (` + grantColumns + `)
			SELECT $3::text, $4::text, $5::text, $6::text, $7::text, $8::text[], $9::timestamptz, $10::timestamptz,
				$11::timestamptz, $12::timestamptz, $13::text, $14::bigint, $15::bytea, $16::timestamptz,
				$17::timestamptz
			FROM subject
			RETURNING id
		), ` + markClient + `
		SELECT id FROM granted`

	burnCode = `UPDATE codes SET use_time = $1 WHERE hash = $2 AND use_time IS NULL`

	codeIsUsed = `SELECT use_time IS NOT NULL FROM codes WHERE hash = $1`
)

// CompleteTransaction implements storage.Codes.
func (s *Store) CompleteTransaction(ctx context.Context, completion storage.Completion) error {
	return s.transact(ctx, "complete transaction", func(tx *session) error {
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
	err = s.read(ctx, "read code", func(tx *session) error {
		return tx.row(codeFields(&code), selectCode, digest{&hash})
	})
	return code, err
}

// RedeemCode implements storage.Codes.
func (s *Store) RedeemCode(ctx context.Context, hash secret.Hash, now time.Time, grant storage.Grant) error {
	row := rowOfGrant(grant)
	args := append([]any{now, digest{&hash}}, grantFields(&row)...)
	return s.write(ctx, "redeem code", func(tx *session) error {
		var id string
		err := tx.insertRow([]any{&id}, redeemCode, args...)
		if errors.Is(err, pgx.ErrNoRows) {
			return redeemRefusal(tx, hash)
		}
		return err
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
		changed, err := tx.change(burnCode, now, digest{&hash})
		if err == nil && changed == 0 {
			return redeemRefusal(tx, hash)
		}
		return err
	})
}
