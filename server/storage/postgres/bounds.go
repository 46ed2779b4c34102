package postgres

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Each of these parts of the live transactions has a bound of its own. A row that is over stays in the part where it
// ended for as long as there is room. Completed rows are in none: each has cost somebody a login at the provider. Rows to
// delete are locked as sweeps do it.
const (
	countUnapproved = `SELECT count(*) FROM transactions
		WHERE status IN ('pending', 'denied') AND expire_time > $1`
	countUnderWay = `SELECT count(*) FROM transactions
		WHERE status IN ('approved', 'claimed', 'burned', 'failed') AND client_id <> '' AND expire_time > $1`
	countLogins = `SELECT count(*) FROM transactions
		WHERE status IN ('approved', 'claimed', 'burned', 'failed') AND client_id = '' AND expire_time > $1`

	dropDenied = `DELETE FROM transactions WHERE id = ANY(ARRAY(
		SELECT id FROM transactions WHERE status = 'denied' AND expire_time > $1
		LIMIT $2 FOR UPDATE SKIP LOCKED))`
	dropPending = `DELETE FROM transactions WHERE id = ANY(ARRAY(
		SELECT id FROM transactions WHERE status = 'pending' AND expire_time > $1
		ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED))`

	dropBroken = `DELETE FROM transactions WHERE id = ANY(ARRAY(
		SELECT id FROM transactions
		WHERE status IN ('burned', 'failed') AND client_id <> '' AND expire_time > $1
		LIMIT $2 FOR UPDATE SKIP LOCKED))`
	dropApproved = `DELETE FROM transactions WHERE id = ANY(ARRAY(
		SELECT id FROM transactions
		WHERE status = 'approved' AND client_id <> '' AND expire_time > $1
		ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED))`

	dropBrokenLogins = `DELETE FROM transactions WHERE id = ANY(ARRAY(
		SELECT id FROM transactions
		WHERE status IN ('burned', 'failed') AND client_id = '' AND expire_time > $1
		LIMIT $2 FOR UPDATE SKIP LOCKED))`
	dropLogins = `DELETE FROM transactions WHERE id = ANY(ARRAY(
		SELECT id FROM transactions
		WHERE status = 'approved' AND client_id = '' AND expire_time > $1
		ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED))`
)

// part is a part of a table that has a bound.
type part struct {
	// count counts the rows at a time.
	count string
	// drops delete rows at a time, no more than a number. The next one is for what those before leave to do.
	drops []string
}

func unapproved() part { return part{countUnapproved, []string{dropDenied, dropPending}} }

func underWay() part { return part{countUnderWay, []string{dropBroken, dropApproved}} }

func logins() part { return part{countLogins, []string{dropBrokenLogins, dropLogins}} }

// makeRoom deletes until there is room for one more row, or answers storage.ErrLimit.
func (p part) makeRoom(tx *session, now time.Time, limit int) error {
	excess, err := excessOf(tx, limit, p.count, now)
	for _, drop := range p.drops {
		if err != nil || excess == 0 {
			return err
		}
		var dropped int
		dropped, err = tx.change(drop, now, excess)
		excess -= dropped
	}
	if err == nil && excess > 0 {
		return storage.ErrLimit
	}
	return err
}
