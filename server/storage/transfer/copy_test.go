package transfer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

func wantSame(t *testing.T, got, want file) {
	t.Helper()
	if diff := cmp.Diff(want.dump(t), got.dump(t)); diff != "" {
		t.Errorf("the files differ (-want +got):\n%s", diff)
	}
}

func TestCopyOfAFileIsEqual(t *testing.T) {
	for _, rows := range []int{0, 1, 50} {
		from, to := newFile(t), newFile(t)
		fill(t, from, rows)
		mustMove(t, from, to)
		wantSame(t, to, from)
	}
}

func TestWayThroughPostgreSQLAndBackChangesNothing(t *testing.T) {
	server := postgrestest.Start(t)
	from, between, to := newFile(t), newDatabase(t, server), newFile(t)
	fill(t, from, 50)
	mustMove(t, from, between)
	mustMove(t, between, to)
	wantSame(t, to, from)
}

func TestCopyWorksThroughAPooler(t *testing.T) {
	server := postgrestest.Start(t)
	pooler := server.StartPooler(t)
	from := newFile(t)
	fill(t, from, 20)
	for _, mode := range []string{"cache_describe", "exec"} {
		between := database(pooler.URL(server.Database(t)) + "&default_query_exec_mode=" + mode)
		to := newFile(t)
		mustMove(t, from, between)
		mustMove(t, between, to)
		wantSame(t, to, from)
	}
}

func TestBatchesOfAnySizeGiveTheSameCopy(t *testing.T) {
	from := newFile(t)
	fill(t, from, 20)
	for _, rows := range []int{1, 7, 20, 21} {
		to := newFile(t)
		if err := move(t, from, to, transfer.WithBatch(rows)); err != nil {
			t.Fatal(err)
		}
		wantSame(t, to, from)
	}
}

func TestFinishedCopyCanBeRepeated(t *testing.T) {
	from, to := newFile(t), newFile(t)
	fill(t, from, 10)
	mustMove(t, from, to)
	mustMove(t, from, to)
	wantSame(t, to, from)
}

func TestTargetWithOtherRowsIsRefusedAndLeftAlone(t *testing.T) {
	full := newFile(t)
	fill(t, full, 10)
	users := transfer.Users()
	changed := sample(users, 10)
	changed[3][users.Index("email")].Text = "somebody@example.com"
	for name, rows := range map[string][]transfer.Row{
		"a row that the source has not":    sample(users, 12)[10:],
		"more rows than the source":        sample(users, 11),
		"a row that differs in a column":   changed,
		"rows that are not the first ones": sample(users, 10)[5:],
	} {
		t.Run(name, func(t *testing.T) {
			to := newFile(t)
			use(t, to.fill, func(target opened) {
				if err := target.Import(t.Context(), users, rows); err != nil {
					t.Fatal(err)
				}
			})
			before := to.dump(t)
			if err := move(t, full, to); !errors.Is(err, transfer.ErrOccupied) {
				t.Errorf("the copy answered %v", err)
			}
			if diff := cmp.Diff(before, to.dump(t)); diff != "" {
				t.Errorf("the target was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// meddler is a target where one table does not get what it was sent.
type meddler struct {
	opened
	meddle func([]transfer.Row) []transfer.Row
}

func (m meddler) Import(ctx context.Context, table transfer.Table, rows []transfer.Row) error {
	if table.Name == "revocations" {
		rows = m.meddle(rows)
	}
	return m.opened.Import(ctx, table, rows)
}

func TestCopyThatDiffersIsNoSuccess(t *testing.T) {
	from := newFile(t)
	fill(t, from, 10)
	for name, meddle := range map[string]func([]transfer.Row) []transfer.Row{
		"a row is lost": func(rows []transfer.Row) []transfer.Row { return rows[1:] },
		"a row is different": func(rows []transfer.Row) []transfer.Row {
			return append(rows[1:], transfer.Row{rows[0][0], {Text: "another grant"}, rows[0][2]})
		},
	} {
		t.Run(name, func(t *testing.T) {
			use(t, from.export, func(source opened) {
				use(t, newFile(t).fill, func(target opened) {
					err := transfer.Copy(t.Context(), source, meddler{target, meddle})
					if !errors.Is(err, transfer.ErrDiffers) {
						t.Errorf("the copy answered %v", err)
					}
				})
			})
		})
	}
}

func TestProgressIsTold(t *testing.T) {
	from, to := newFile(t), newFile(t)
	fill(t, from, 10)
	told := make(map[transfer.Stage]map[string]int64)
	report := func(p transfer.Progress) {
		if told[p.Stage] == nil {
			told[p.Stage] = make(map[string]int64)
		}
		if p.Done {
			told[p.Stage][p.Table] = p.Sum.Rows
		}
	}
	if err := move(t, from, to, transfer.WithReport(report)); err != nil {
		t.Fatal(err)
	}
	for _, table := range transfer.Tables() {
		for _, stage := range []transfer.Stage{transfer.Copied, transfer.Verified} {
			if told[stage][table.Name] != 10 {
				t.Errorf("%s: %d rows %s, want 10", table.Name, told[stage][table.Name], stage)
			}
		}
	}
}
