package sqlite

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	// A client that somebody is using right now: in the middle of a login that a person has approved, or with a live
	// grant. That a login was asked for says nothing: anybody can ask.
	clientInUse = `EXISTS (SELECT 1 FROM transactions t
				WHERE t.client_id = c.id AND t.status IN ('approved', 'claimed') AND t.expire_time > ?)
			OR EXISTS (SELECT 1 FROM codes k
				WHERE k.client_id = c.id AND k.use_time IS NULL AND k.expire_time > ?)
			OR EXISTS (SELECT 1 FROM grants g
				WHERE g.client_id = c.id AND g.revoke_time IS NULL AND g.expire_time > ?)`

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

	sweepGrants = `DELETE FROM grants WHERE id IN (
		SELECT id FROM grants WHERE expire_time <= ? OR revoke_time <= ? LIMIT ?)`

	sweepRevocations = `DELETE FROM revocations WHERE sequence IN (
		SELECT sequence FROM revocations WHERE create_time <= ? ORDER BY create_time LIMIT ?)`

	sweepAccountSessions = `DELETE FROM account_sessions WHERE hash IN (
		SELECT hash FROM account_sessions WHERE expire_time <= ? ORDER BY expire_time LIMIT ?)`

	sweepAssertions = `DELETE FROM assertions WHERE hash IN (
		SELECT hash FROM assertions WHERE expire_time <= ? ORDER BY expire_time LIMIT ?)`

	// Orphans are looked for by a reader, since that takes a walk through the table, and deleted by a statement that
	// decides anew.
	userIsOrphan = `NOT EXISTS (SELECT 1 FROM credentials c WHERE c.user_id = users.id)
			AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.user_id = users.id)
			AND NOT EXISTS (SELECT 1 FROM codes k WHERE k.user_id = users.id)
			AND NOT EXISTS (SELECT 1 FROM account_sessions a WHERE a.user_id = users.id)`
	findOrphanUsers = `SELECT id FROM users WHERE ` + userIsOrphan + ` LIMIT ?`
	sweepUser       = `DELETE FROM users WHERE id = ? AND ` + userIsOrphan
)

// Sweep implements storage.Store. Each table is one operation, so that a long sweep does not keep other writers
// waiting. What was deleted before an error is reported with it.
func (s *Store) Sweep(
	ctx context.Context, now time.Time, policy storage.SweepPolicy,
) (result storage.SweepResult, err error) {
	authorization, grant := at(now.Add(-policy.EndedTransaction)), at(now.Add(-policy.EndedGrant))
	for _, table := range []struct {
		count *int
		query string
		args  []any
	}{
		{&result.Transactions, sweepTransactions, []any{authorization}},
		{&result.Codes, sweepCodes, []any{authorization}},
		{&result.Grants, sweepGrants, []any{grant, grant}},
		{&result.Revocations, sweepRevocations, []any{at(now.Add(-policy.Revocation))}},
		{&result.AccountSessions, sweepAccountSessions, []any{at(now)}},
		{&result.Assertions, sweepAssertions, []any{at(now)}},
	} {
		if err := s.sweepRows(ctx, table.count, table.query, append(table.args, policy.Limit)...); err != nil {
			return result, err
		}
	}
	if err := s.sweepClients(ctx, &result.Clients, now, policy); err != nil {
		return result, err
	}
	return result, s.sweepUsers(ctx, &result.Users, policy.Limit)
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

// sweepUsers deletes users that nothing refers to any more.
func (s *Store) sweepUsers(ctx context.Context, count *int, limit int) error {
	rows, err := s.reader.query(ctx, findOrphanUsers, limit)
	ids, err := collect(rows, err, func(id *string) []any { return []any{id} })
	if err != nil || len(ids) == 0 {
		return answer("sweep", err)
	}
	var deleted int
	err = s.write(ctx, "sweep", func(tx *session) error {
		deleted = 0
		for _, id := range ids {
			removed, err := tx.change(sweepUser, id)
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
