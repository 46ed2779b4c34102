package transfer

import (
	"context"
	"fmt"
	"iter"
)

// defaultBatch is how many rows are moved in one step, unless an option says otherwise.
const defaultBatch = 1000

// Stage is a part of the work on a table.
type Stage string

// Stages of a copy. Every table is copied before the first one is verified.
const (
	Copied   Stage = "copied"
	Verified Stage = "verified"
)

// Progress is how far a copy has come.
type Progress struct {
	Stage Stage
	Table string
	Sum   Sum  // of the rows so far
	Done  bool // with this table
}

// Option changes how a copy works.
type Option func(*copier)

// WithBatch sets how many rows are moved in one step, which is also what is lost when the copy is killed. The default is
// 1000.
func WithBatch(rows int) Option { return func(c *copier) { c.batch = max(rows, 1) } }

// WithReport is told of progress, after each step.
func WithReport(report func(Progress)) Option { return func(c *copier) { c.report = report } }

// copier moves rows from one store to another.
type copier struct {
	from   Source
	to     Target
	batch  int
	report func(Progress)
}

// Copy makes target a copy of source, or goes on with a copy that was stopped. It ends by reading both again. Errors wrap
// ErrOccupied when the target is not a copy under way, in which case nothing was changed, and ErrDiffers when the copy
// failed; others are those of the stores, after which Copy can be called again.
func Copy(ctx context.Context, from Source, to Target, opts ...Option) error {
	c := copier{from: from, to: to, batch: defaultBatch, report: func(Progress) {}}
	for _, opt := range opts {
		opt(&c)
	}
	begun, err := c.positions(ctx)
	if err != nil {
		return err
	}
	for _, table := range Tables() {
		if err := c.copyTable(ctx, table, begun[table.Name]); err != nil {
			return err
		}
	}
	if err := c.finish(ctx); err != nil {
		return err
	}
	for _, table := range Tables() {
		if err := c.verify(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// position is how far a table was copied.
type position struct {
	after *Value // key of the last row, nil when there is none
	sum   Sum
}

// positions finds out how far each table was copied before.
func (c copier) positions(ctx context.Context) (map[string]position, error) {
	begun := make(map[string]position)
	for _, table := range Tables() {
		held, err := c.sum(ctx, c.to, table)
		if err != nil {
			return nil, err
		}
		first, err := c.first(ctx, table, held.Rows)
		if err != nil {
			return nil, err
		}
		if first.sum != held {
			return nil, fmt.Errorf("table %s: %w", table.Name, ErrOccupied)
		}
		begun[table.Name] = first
	}
	return begun, nil
}

// first returns the position behind the first rows of a table in the source.
func (c copier) first(ctx context.Context, table Table, count int64) (position, error) {
	var p position
	if count == 0 {
		return p, nil
	}
	for rows, err := range c.batches(ctx, c.from, table, nil) {
		if err != nil {
			return position{}, err
		}
		if missing := count - p.sum.Rows; int64(len(rows)) > missing {
			rows = rows[:missing]
		}
		p.pass(table, rows)
		if p.sum.Rows == count {
			break
		}
	}
	return p, nil
}

// pass moves the position behind rows.
func (p *position) pass(table Table, rows []Row) {
	for _, row := range rows {
		p.sum.Add(table, row)
	}
	key := rows[len(rows)-1].Key()
	p.after = &key
}

func (c copier) copyTable(ctx context.Context, table Table, p position) error {
	for rows, err := range c.batches(ctx, c.from, table, p.after) {
		if err != nil {
			return err
		}
		if err := c.to.Import(ctx, table, rows); err != nil {
			return err
		}
		p.pass(table, rows)
		c.report(Progress{Stage: Copied, Table: table.Name, Sum: p.sum})
	}
	c.report(Progress{Stage: Copied, Table: table.Name, Sum: p.sum, Done: true})
	return nil
}

func (c copier) finish(ctx context.Context) error {
	counters, err := c.from.Counters(ctx)
	if err != nil {
		return err
	}
	return c.to.Finish(ctx, counters)
}

// verify reads a table on both sides. What was read before does not count: a source that changed since is no success.
func (c copier) verify(ctx context.Context, table Table) error {
	from, err := c.sum(ctx, c.from, table)
	if err != nil {
		return err
	}
	to, err := c.sum(ctx, c.to, table)
	if err != nil {
		return err
	}
	if from != to {
		return fmt.Errorf("table %s: source: %s; target: %s: %w", table.Name, from, to, ErrDiffers)
	}
	c.report(Progress{Stage: Verified, Table: table.Name, Sum: to, Done: true})
	return nil
}

// sum reads a whole table.
func (c copier) sum(ctx context.Context, store Source, table Table) (Sum, error) {
	var sum Sum
	for rows, err := range c.batches(ctx, store, table, nil) {
		if err != nil {
			return Sum{}, err
		}
		for _, row := range rows {
			sum.Add(table, row)
		}
	}
	return sum, nil
}

// batches reads a table behind a key. It ends after an error, and yields no empty batch.
func (c copier) batches(ctx context.Context, store Source, table Table, after *Value) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		for {
			rows, err := store.Export(ctx, table, after, c.batch)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(rows) > 0 {
				key := rows[len(rows)-1].Key()
				after = &key
				if !yield(rows, nil) {
					return
				}
			}
			if len(rows) < c.batch {
				return
			}
		}
	}
}
