package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

const (
	// Numbers of a sequence that was never used begin at 1 and count as not given out.
	selectCounters = `SELECT o.last_sequence,
			greatest(CASE WHEN f.is_called THEN f.last_value ELSE 0 END, (SELECT coalesce(max(fence), 0) FROM credentials))
		FROM outbox o, credential_fences f WHERE o.id = 1`

	raiseRevocations = `UPDATE outbox SET last_sequence = $1 WHERE id = 1 AND last_sequence < $1`

	raiseFences = `SELECT setval('credential_fences', $1::bigint) FROM credential_fences
		WHERE CASE WHEN is_called THEN last_value ELSE 0 END < $1::bigint`
)

// Export implements transfer.Source.
func (t *Transfer) Export(
	ctx context.Context, table transfer.Table, after *transfer.Value, limit int,
) (rows []transfer.Row, err error) {
	key := table.Key()
	query := `SELECT ` + strings.Join(table.Names(), ", ") + ` FROM ` + table.Name
	args := []any{limit}
	if after != nil {
		query += ` WHERE ` + key.Name + ` > $2`
		args = append(args, transferField(key, after))
	}
	query += ` ORDER BY ` + key.Name + ` LIMIT $1`
	err = t.transact(ctx, "export "+table.Name, func(tx pgx.Tx) (err error) {
		rows, err = collect(&session{ctx, tx}, func(row *transfer.Row) []any {
			*row = make(transfer.Row, len(table.Columns))
			return transferFields(table, *row)
		}, query, args...)
		return err
	})
	return rows, err
}

// Import implements transfer.Target.
func (t *Transfer) Import(ctx context.Context, table transfer.Table, rows []transfer.Row) error {
	query := insertRow(table)
	var batch pgx.Batch
	for _, row := range rows {
		batch.Queue(query, transferFields(table, row)...)
	}
	return t.transact(ctx, "import "+table.Name, func(tx pgx.Tx) error { return tx.SendBatch(ctx, &batch).Close() })
}

func insertRow(table transfer.Table) string {
	values := make([]string, len(table.Columns))
	for i := range values {
		values[i] = "$" + strconv.Itoa(i+1)
	}
	return `INSERT INTO ` + table.Name + ` (` + strings.Join(table.Names(), ", ") + `)
		VALUES (` + strings.Join(values, ", ") + `) ON CONFLICT (` + table.Key().Name + `) DO NOTHING`
}

// Counters implements transfer.Source.
func (t *Transfer) Counters(ctx context.Context) (counters transfer.Counters, err error) {
	err = t.transact(ctx, "read counters", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, selectCounters).Scan(&counters.Revocation, &counters.Fence)
	})
	return counters, err
}

// Finish implements transfer.Target. The planner learns what the tables hold now instead of in a minute.
func (t *Transfer) Finish(ctx context.Context, counters transfer.Counters) error {
	return t.transact(ctx, "finish", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, raiseRevocations, counters.Revocation); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, raiseFences, counters.Fence); err != nil {
			return err
		}
		for _, table := range transfer.Tables() {
			if _, err := tx.Exec(ctx, `ANALYZE `+table.Name); err != nil {
				return err
			}
		}
		return nil
	})
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
		panic(fmt.Sprintf("postgres: column %s has kind %d", column.Name, column.Kind))
	}
}
