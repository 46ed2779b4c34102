package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

const (
	selectFences = `SELECT coalesce(max(fence), 0) FROM credentials`

	// SQLite raises the sequence by itself when a row with a higher one is inserted, and keeps it when the row goes.
	raiseSequence = `INSERT INTO revocations (sequence, grant_id, create_time)
		SELECT ?1, '', 0 WHERE ?1 > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'revocations'), 0)`
	removeRaised = `DELETE FROM revocations WHERE sequence = ? AND grant_id = ''`
)

// Export implements transfer.Source.
func (t *Transfer) Export(
	ctx context.Context, table transfer.Table, after *transfer.Value, limit int,
) ([]transfer.Row, error) {
	key := table.Key()
	query := `SELECT ` + strings.Join(table.Names(), ", ") + ` FROM ` + table.Name
	var args []any
	if after != nil {
		query += ` WHERE ` + key.Name + ` > ?`
		args = append(args, transferField(key, after))
	}
	query += ` ORDER BY ` + key.Name + ` LIMIT ?`
	if err := ctx.Err(); err != nil {
		return nil, answer("export "+table.Name, err)
	}
	rows, err := all(t.session, func(row *transfer.Row) []any {
		*row = make(transfer.Row, len(table.Columns))
		return transferFields(table, *row)
	}, query, append(args, limit)...)
	return rows, answer("export "+table.Name, err)
}

// Import implements transfer.Target.
func (t *Transfer) Import(ctx context.Context, table transfer.Table, rows []transfer.Row) error {
	query := `INSERT INTO ` + table.Name + ` (` + strings.Join(table.Names(), ", ") + `)
		VALUES (?` + strings.Repeat(", ?", len(table.Columns)-1) + `) ON CONFLICT (` + table.Key().Name + `) DO NOTHING`
	return t.transact(ctx, "import "+table.Name, func() error {
		for _, row := range rows {
			if _, err := t.session.insert(query, transferFields(table, row)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Counters implements transfer.Source. Fences begin at the time of a lease, so those of credentials that are gone lie
// behind every fence to come.
func (t *Transfer) Counters(context.Context) (counters transfer.Counters, err error) {
	var lowest int64
	err = t.session.row([]any{&lowest, &counters.Revocation}, selectRevocationBounds)
	if err == nil {
		err = t.session.row([]any{&counters.Fence}, selectFences)
	}
	return counters, answer("read counters", err)
}

// Finish implements transfer.Target. Fences need nothing, see Counters. The log goes into the file, and the file to the
// disk.
func (t *Transfer) Finish(ctx context.Context, counters transfer.Counters) error {
	err := t.transact(ctx, "raise counters", func() error {
		if err := t.session.run(raiseSequence, counters.Revocation); err != nil {
			return err
		}
		return t.session.run(removeRaised, counters.Revocation)
	})
	if err != nil {
		return err
	}
	var blocked, pages, moved int
	return answer("checkpoint", t.session.row([]any{&blocked, &pages, &moved}, `PRAGMA wal_checkpoint(TRUNCATE)`))
}

// transact is all or nothing.
func (t *Transfer) transact(ctx context.Context, action string, apply func() error) error {
	if err := ctx.Err(); err != nil {
		return answer(action, err)
	}
	err := t.session.run("BEGIN IMMEDIATE")
	if err == nil {
		if err = apply(); err == nil {
			err = t.session.run("COMMIT")
		}
		if err != nil {
			_ = t.session.run("ROLLBACK") // fails when SQLite has done it by itself
		}
	}
	return answer(action, err)
}

// transferFields returns the columns of a row, to write and to read.
func transferFields(table transfer.Table, row transfer.Row) []any {
	fields := make([]any, len(row))
	for i, column := range table.Columns {
		fields[i] = transferField(column, &row[i])
	}
	return fields
}

func transferField(column transfer.Column, value *transfer.Value) any {
	switch column.Kind {
	case transfer.Text:
		return &value.Text
	case transfer.Int:
		if column.Optional {
			return optionalInt{&value.Int}
		}
		return &value.Int
	case transfer.Bool:
		return &value.Bool
	case transfer.Bytes:
		return blob{&value.Bytes}
	case transfer.Time:
		return instant{&value.Time}
	case transfer.List:
		return list{&value.List}
	default:
		panic(fmt.Sprintf("sqlite: column %s has kind %d", column.Name, column.Kind))
	}
}

// optionalInt is a column of a number that is NULL when it is zero.
type optionalInt struct{ field *int64 }

// Value implements driver.Valuer.
func (c optionalInt) Value() (driver.Value, error) {
	if *c.field == 0 {
		return nil, nil
	}
	return *c.field, nil
}

// Scan implements sql.Scanner.
func (c optionalInt) Scan(value any) error {
	var number sql.NullInt64
	err := number.Scan(value)
	*c.field = number.Int64
	return err
}
