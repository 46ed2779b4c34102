package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// A lease stands while lease_time is set and fence is the one that it was given.
const (
	beginRenewal = `UPDATE credentials
		SET attempts = attempts + 1, lease_time = $4, fence = nextval('credential_fences')
		WHERE id = $1 AND version = $2 AND (lease_time IS NULL OR lease_time <= $3)
		RETURNING ` + credentialColumns + `, fence`

	finishRenewal = `UPDATE credentials
		SET sealed = $3, access_expire_time = $4, refresh_expire_time = $5, has_refresh_token = $6, session_id = $7,
			update_time = $8, version = version + 1, attempts = 0, lease_time = NULL
		WHERE id = $1 AND fence = $2 AND lease_time IS NOT NULL`

	endLease = `UPDATE credentials SET lease_time = NULL WHERE id = $1 AND fence = $2 AND lease_time IS NOT NULL`
)

// BeginRenewal implements storage.Credentials.
func (s *Store) BeginRenewal(
	ctx context.Context, id string, version int64, now, until time.Time,
) (lease storage.Lease, err error) {
	err = s.write(ctx, "begin renewal", func(tx *session) error {
		dest := append(credentialFields(&lease.Credential), &lease.Fence)
		err := tx.row(dest, beginRenewal, id, version, now, until)
		if errors.Is(err, pgx.ErrNoRows) {
			return storage.ErrConflict
		}
		return err
	})
	return lease, err
}

// FinishRenewal implements storage.Credentials.
func (s *Store) FinishRenewal(ctx context.Context, renewed storage.Credential, fence int64) error {
	if !storableText(renewed.SessionID) { // which is not the same as a credential that is not there
		return storage.ErrInvalid
	}
	return s.write(ctx, "finish renewal", func(tx *session) error {
		return standing(tx.change(finishRenewal, renewed.ID, fence, blob{&renewed.Sealed},
			instant{&renewed.AccessExpireTime}, instant{&renewed.RefreshExpireTime}, renewed.HasRefreshToken,
			renewed.SessionID, instant{&renewed.UpdateTime}))
	})
}

// AbandonRenewal implements storage.Credentials.
func (s *Store) AbandonRenewal(ctx context.Context, id string, fence int64) error {
	return s.write(ctx, "abandon renewal", func(tx *session) error { return standing(tx.change(endLease, id, fence)) })
}

// EndCredential implements storage.Credentials.
func (s *Store) EndCredential(
	ctx context.Context, id string, fence int64, now time.Time, reason string,
) (revoked []string, err error) {
	err = s.transact(ctx, "end credential", func(tx *session) error {
		if err := standing(tx.change(endLease, id, fence)); err != nil {
			return err
		}
		revoked, err = revoke(tx, storage.GrantFilter{CredentialID: id, Now: now}, reason)
		return err
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}

// standing turns the count of a statement that a lease guards into the verdict on the lease.
func standing(changed int, err error) error {
	if err == nil && changed == 0 {
		return storage.ErrConflict
	}
	return err
}
