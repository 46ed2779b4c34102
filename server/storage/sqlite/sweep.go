package sqlite

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	// A client that somebody is using right now: with a live grant, or in the middle of an authorization.
	clientInUse = `EXISTS (SELECT 1 FROM grants g
				WHERE g.client_id = c.id AND g.revoke_time IS NULL AND g.expire_time > ?)
			OR EXISTS (SELECT 1 FROM codes k
				WHERE k.client_id = c.id AND k.use_time IS NULL AND k.expire_time > ?)
			OR EXISTS (SELECT 1 FROM transactions t WHERE t.client_id = c.id AND t.expire_time > ?)`

	sweepUnusedClients = `DELETE FROM clients WHERE id IN (
		SELECT c.id FROM clients c
		WHERE c.origin = 'dynamic' AND c.last_used_time IS NULL AND c.create_time <= ? AND NOT (` + clientInUse + `)
		ORDER BY c.create_time LIMIT ?)`

	sweepIdleClients = `DELETE FROM clients WHERE id IN (
		SELECT c.id FROM clients c
		WHERE c.origin = 'dynamic' AND c.last_used_time IS NOT NULL AND c.last_used_time <= ?
			AND NOT (` + clientInUse + `)
		ORDER BY c.last_used_time LIMIT ?)`

	sweepTransactions = `DELETE FROM transactions WHERE id IN (
		SELECT id FROM transactions WHERE expire_time <= ? ORDER BY expire_time LIMIT ?)`

	sweepCodes = `DELETE FROM codes WHERE hash IN (
		SELECT hash FROM codes WHERE expire_time <= ? ORDER BY expire_time LIMIT ?)`

	// A token that outlives its grant goes with it.
	sweepRefreshTokens = `DELETE FROM refresh_tokens WHERE hash IN (
		SELECT hash FROM refresh_tokens WHERE expire_time <= ?
		UNION ALL
		SELECT r.hash FROM grants g JOIN refresh_tokens r ON r.grant_id = g.id WHERE g.expire_time <= ?
		LIMIT ?)`

	sweepGrants = `DELETE FROM grants WHERE id IN (
		SELECT g.id FROM grants g
		WHERE (g.expire_time <= ? OR g.revoke_time <= ?)
			AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.grant_id = g.id)
		LIMIT ?)`

	// Orphans are looked for by a reader, since that takes a walk through the table, and deleted by a statement that
	// decides anew.
	credentialIsOrphan = `NOT EXISTS (SELECT 1 FROM grants g WHERE g.credential_id = credentials.id)
			AND NOT EXISTS (SELECT 1 FROM codes k WHERE k.credential_id = credentials.id)`
	findOrphanCredentials = `SELECT id FROM credentials WHERE ` + credentialIsOrphan + ` LIMIT ?`
	sweepCredential       = `DELETE FROM credentials WHERE id = ? AND ` + credentialIsOrphan

	userIsOrphan = `NOT EXISTS (SELECT 1 FROM credentials c WHERE c.user_id = users.id)
			AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.user_id = users.id)
			AND NOT EXISTS (SELECT 1 FROM codes k WHERE k.user_id = users.id)`
	findOrphanUsers = `SELECT id FROM users WHERE ` + userIsOrphan + ` LIMIT ?`
	sweepUser       = `DELETE FROM users WHERE id = ? AND ` + userIsOrphan
)

// Sweep implements storage.Store. Each table is one operation, so that a long sweep does not keep other writers
// waiting. What was deleted before an error is reported with it.
func (s *Store) Sweep(
	ctx context.Context, now time.Time, policy storage.SweepPolicy,
) (result storage.SweepResult, err error) {
	ended := at(now.Add(-policy.EndedTransaction))
	revoked := at(now.Add(-policy.EndedGrant))
	steps := []func() error{
		func() error { return s.sweepRows(ctx, &result.Transactions, sweepTransactions, ended, policy.Limit) },
		func() error { return s.sweepRows(ctx, &result.Codes, sweepCodes, ended, policy.Limit) },
		func() error {
			return s.sweepRows(ctx, &result.RefreshTokens, sweepRefreshTokens, revoked, revoked, policy.Limit)
		},
		func() error { return s.sweepRows(ctx, &result.Grants, sweepGrants, revoked, revoked, policy.Limit) },
		func() error { return s.sweepClients(ctx, &result.Clients, now, policy) },
		func() error {
			return s.sweepOrphans(ctx, &result.Credentials, findOrphanCredentials, sweepCredential, policy.Limit)
		},
		func() error { return s.sweepOrphans(ctx, &result.Users, findOrphanUsers, sweepUser, policy.Limit) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return result, err
		}
	}
	return result, nil
}

// sweepRows runs one deleting statement and adds to count what it deleted.
func (s *Store) sweepRows(ctx context.Context, count *int, query string, args ...any) error {
	var deleted int
	err := s.write(ctx, "sweep", func(tx *session) (err error) {
		deleted, err = tx.change(query, args...)
		return err
	})
	if err == nil {
		*count += deleted
	}
	return err
}

// sweepClients shares the limit between clients that were never used and clients that no one uses any more.
func (s *Store) sweepClients(ctx context.Context, count *int, now time.Time, policy storage.SweepPolicy) error {
	moment := at(now)
	unused, idle := at(now.Add(-policy.UnusedClient)), at(now.Add(-policy.IdleClient))
	err := s.sweepRows(ctx, count, sweepUnusedClients, unused, moment, moment, moment, policy.Limit)
	if err != nil {
		return err
	}
	return s.sweepRows(ctx, count, sweepIdleClients, idle, moment, moment, moment, policy.Limit-*count)
}

// sweepOrphans deletes rows that nothing refers to any more.
func (s *Store) sweepOrphans(ctx context.Context, count *int, find, remove string, limit int) error {
	rows, err := s.reader.pool.QueryContext(ctx, find, limit)
	ids, err := collect(rows, err, func(id *string) []any { return []any{id} })
	if err != nil || len(ids) == 0 {
		return answer("sweep", err)
	}
	var deleted int
	err = s.write(ctx, "sweep", func(tx *session) error {
		for _, id := range ids {
			removed, err := tx.change(remove, id)
			if err != nil {
				return err
			}
			deleted += removed
		}
		return nil
	})
	if err == nil {
		*count += deleted
	}
	return err
}
