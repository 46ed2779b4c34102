package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	// Fences begin at the time of the lease, so that they grow even across a row that was deleted and came back.
	beginRenewal = `UPDATE credentials SET lease_time = ?, attempts = attempts + 1,
			fence = CASE WHEN fence < ? THEN ? ELSE fence + 1 END
		WHERE id = ? AND version = ? AND (lease_time IS NULL OR lease_time <= ?)
		RETURNING ` + credentialColumns + `, fence`

	// A lease stands while the row has its fence and a lease time.
	finishRenewal = `UPDATE credentials SET sealed = ?, access_expire_time = ?, refresh_expire_time = ?,
			has_refresh_token = ?, session_id = ?, update_time = ?, version = version + 1, attempts = 0,
			lease_time = NULL
		WHERE id = ? AND fence = ? AND lease_time IS NOT NULL`

	endLease = `UPDATE credentials SET lease_time = NULL WHERE id = ? AND fence = ? AND lease_time IS NOT NULL`
)

// BeginRenewal implements storage.Credentials.
func (s *Store) BeginRenewal(
	ctx context.Context, id string, version int64, now, until time.Time,
) (lease storage.Lease, err error) {
	err = s.write(ctx, "begin renewal", func(tx *session) error {
		fields := append(credentialFields(&lease.Credential), &lease.Fence)
		err := tx.row(fields, beginRenewal, at(until), at(now), at(now), id, version, at(now))
		if errors.Is(err, sql.ErrNoRows) {
			return storage.ErrConflict
		}
		return err
	})
	if err != nil {
		return storage.Lease{}, err
	}
	return lease, nil
}

// FinishRenewal implements storage.Credentials.
func (s *Store) FinishRenewal(ctx context.Context, renewed storage.Credential, fence int64) error {
	return s.write(ctx, "finish renewal", func(tx *session) error {
		return held(tx.insert(finishRenewal, blob{&renewed.Sealed}, instant{&renewed.AccessExpireTime},
			instant{&renewed.RefreshExpireTime}, renewed.HasRefreshToken, &renewed.SessionID,
			instant{&renewed.UpdateTime}, renewed.ID, fence))
	})
}

// AbandonRenewal implements storage.Credentials.
func (s *Store) AbandonRenewal(ctx context.Context, id string, fence int64) error {
	return s.write(ctx, "abandon renewal", func(tx *session) error { return held(tx.change(endLease, id, fence)) })
}

// EndCredential implements storage.Credentials.
func (s *Store) EndCredential(
	ctx context.Context, id string, fence int64, now time.Time, reason string,
) (revoked []string, err error) {
	err = s.write(ctx, "end credential", func(tx *session) error {
		if err := held(tx.change(endLease, id, fence)); err != nil {
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

// held turns the count of a statement that is guarded by a lease, or by what the caller saw, into the verdict.
func held(changed int, err error) error {
	if err == nil && changed == 0 {
		return storage.ErrConflict
	}
	return err
}
