package sqlite

import (
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Each of these parts of the live transactions has a bound of its own. A row that is over stays in the part where it
// ended for as long as there is room. Completed rows are in none: each has cost somebody a login at the provider.
const (
	countUnapproved = `SELECT count(*) FROM transactions
		WHERE status IN ('pending', 'denied') AND expire_time > ?`
	countUnderWay = `SELECT count(*) FROM transactions
		WHERE status IN ('approved', 'claimed', 'burned', 'failed') AND client_id <> '' AND expire_time > ?`
	countLogins = `SELECT count(*) FROM transactions
		WHERE status IN ('approved', 'claimed', 'burned', 'failed') AND client_id = '' AND expire_time > ?`

	dropDenied = `DELETE FROM transactions WHERE id IN (
		SELECT id FROM transactions WHERE status = 'denied' AND expire_time > ? LIMIT ?)`
	dropPending = `DELETE FROM transactions WHERE id IN (
		SELECT id FROM transactions WHERE status = 'pending' AND expire_time > ? ORDER BY expire_time LIMIT ?)`

	dropBroken = `DELETE FROM transactions WHERE id IN (
		SELECT id FROM transactions
		WHERE status IN ('burned', 'failed') AND client_id <> '' AND expire_time > ? LIMIT ?)`
	dropApproved = `DELETE FROM transactions WHERE id IN (
		SELECT id FROM transactions
		WHERE status = 'approved' AND client_id <> '' AND expire_time > ? ORDER BY expire_time LIMIT ?)`

	dropBrokenLogins = `DELETE FROM transactions WHERE id IN (
		SELECT id FROM transactions
		WHERE status IN ('burned', 'failed') AND client_id = '' AND expire_time > ? LIMIT ?)`
	dropLogins = `DELETE FROM transactions WHERE id IN (
		SELECT id FROM transactions
		WHERE status = 'approved' AND client_id = '' AND expire_time > ? ORDER BY expire_time LIMIT ?)`
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
	excess, err := excessOf(tx, limit, p.count, at(now))
	for _, drop := range p.drops {
		if err != nil || excess == 0 {
			return err
		}
		var dropped int
		dropped, err = tx.change(drop, at(now), excess)
		excess -= dropped
	}
	if err == nil && excess > 0 {
		return storage.ErrLimit
	}
	return err
}

// excessOf returns how many rows must go before there is room for another.
func excessOf(tx *session, limit int, count string, args ...any) (excess int, err error) {
	if limit <= 0 {
		return 0, storage.ErrLimit
	}
	var present int
	if err := tx.row([]any{&present}, count, args...); err != nil {
		return 0, err
	}
	return max(0, present+1-limit), nil
}

// changeBounded makes a change that adds one row to a part of a table. change is guarded by the bound and reports
// whether it happened. Only when it did not, makeRoom runs, and then the change once more.
func changeBounded(change func() (bool, error), makeRoom func() error) error {
	changed, err := change()
	if err != nil || changed {
		return err
	}
	if err := makeRoom(); err != nil {
		return err
	}
	if changed, err = change(); err == nil && !changed {
		return storage.ErrLimit
	}
	return err
}
