package postgres

import (
	"context"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// The rows to delete are locked as they are chosen, and rows that are locked already are left for the next time. So a
// row that changes meanwhile is judged anew, sweeps of several replicas share the work, and none waits for a request. An
// array holds the choice, because PostgreSQL may run a subquery after IN again for each row, and choose anew.
const (
	// clientInUse is about a client c that somebody is using at the time $1: in the middle of a login that a person has
	// approved, or with a live grant. That a login was asked for says nothing: anybody can ask.
	clientInUse = `EXISTS (SELECT 1 FROM transactions t
				WHERE t.client_id = c.id AND t.status IN ('approved', 'claimed') AND t.expire_time > $1)
			OR EXISTS (SELECT 1 FROM codes k
				WHERE k.client_id = c.id AND k.use_time IS NULL AND k.expire_time > $1)
			OR EXISTS (SELECT 1 FROM grants g
				WHERE g.client_id = c.id AND g.revoke_time IS NULL AND g.expire_time > $1)`

	sweepUnusedClients = `DELETE FROM clients WHERE id = ANY(ARRAY(
		SELECT c.id FROM clients c
		WHERE c.origin = 'dynamic' AND c.last_used_time IS NULL AND c.create_time <= $2 AND NOT (` + clientInUse + `)
		ORDER BY c.create_time LIMIT $3 FOR UPDATE SKIP LOCKED))`

	sweepIdleClients = `DELETE FROM clients WHERE id = ANY(ARRAY(
		SELECT c.id FROM clients c
		WHERE c.origin = 'dynamic' AND c.last_used_time IS NOT NULL AND c.last_used_time <= $2
			AND NOT (` + clientInUse + `)
		ORDER BY c.last_used_time LIMIT $3 FOR UPDATE SKIP LOCKED))`

	sweepTransactions = `DELETE FROM transactions WHERE id = ANY(ARRAY(
		SELECT id FROM transactions WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED))`

	sweepCodes = `DELETE FROM codes WHERE hash = ANY(ARRAY(
		SELECT hash FROM codes WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED))`

	sweepGrants = `DELETE FROM grants WHERE id = ANY(ARRAY(
		SELECT id FROM grants WHERE expire_time <= $1 OR revoke_time <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`

	sweepRevocations = `DELETE FROM revocations WHERE sequence = ANY(ARRAY(
		SELECT sequence FROM revocations WHERE create_time <= $1
		ORDER BY create_time, sequence LIMIT $2 FOR UPDATE SKIP LOCKED))`

	sweepAccountSessions = `DELETE FROM account_sessions WHERE hash = ANY(ARRAY(
		SELECT hash FROM account_sessions WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED))`

	sweepAssertions = `DELETE FROM assertions WHERE hash = ANY(ARRAY(
		SELECT hash FROM assertions WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED))`

	userIsOrphan = `NOT EXISTS (SELECT 1 FROM credentials c WHERE c.user_id = u.id)
			AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.user_id = u.id)
			AND NOT EXISTS (SELECT 1 FROM codes k WHERE k.user_id = u.id)
			AND NOT EXISTS (SELECT 1 FROM account_sessions a WHERE a.user_id = u.id)`

	lockOrphans = `SELECT u.id FROM users u WHERE ` + userIsOrphan + ` LIMIT $1 FOR UPDATE SKIP LOCKED`

	sweepUsers = `DELETE FROM users u WHERE u.id = ANY($1) AND ` + userIsOrphan
)

// Sweep implements storage.Store. Each table is an operation of its own. What was deleted before an error is reported
// with it.
func (s *Store) Sweep(
	ctx context.Context, now time.Time, policy storage.SweepPolicy,
) (result storage.SweepResult, err error) {
	authorizations, grants := now.Add(-policy.EndedTransaction), now.Add(-policy.EndedGrant)
	unused, idle := now.Add(-policy.UnusedClient), now.Add(-policy.IdleClient)
	for _, step := range []struct {
		count     *int
		statement string
		args      []any
	}{
		{&result.Transactions, sweepTransactions, []any{authorizations}},
		{&result.Codes, sweepCodes, []any{authorizations}},
		{&result.Grants, sweepGrants, []any{grants}},
		{&result.Clients, sweepUnusedClients, []any{now, unused}},
		{&result.Clients, sweepIdleClients, []any{now, idle}}, // the limit is for both kinds together
		{&result.Revocations, sweepRevocations, []any{now.Add(-policy.Revocation)}},
		{&result.AccountSessions, sweepAccountSessions, []any{now}},
		{&result.Assertions, sweepAssertions, []any{now}},
	} {
		deleted, err := s.sweepRows(ctx, step.statement, append(step.args, policy.Limit-*step.count)...)
		if err != nil {
			return result, err
		}
		*step.count += deleted
	}
	result.Users, err = s.sweepUsers(ctx, policy.Limit)
	return result, err
}

// sweepRows runs one deleting statement.
func (s *Store) sweepRows(ctx context.Context, statement string, args ...any) (deleted int, err error) {
	err = s.write(ctx, "sweep", func(tx *session) (err error) {
		deleted, err = tx.change(statement, args...)
		return err
	})
	return deleted, err
}

// sweepUsers deletes users to whom nothing refers any more. As with credentials, only a login makes a user referred to
// again, and it needs the row: so the locks come first, and the statement after them decides.
func (s *Store) sweepUsers(ctx context.Context, limit int) (deleted int, err error) {
	err = s.transact(ctx, "sweep users", func(tx *session) error {
		orphans, err := tx.texts(lockOrphans, limit)
		if err != nil || len(orphans) == 0 {
			return err
		}
		deleted, err = tx.change(sweepUsers, list{&orphans})
		return err
	})
	return deleted, err
}
