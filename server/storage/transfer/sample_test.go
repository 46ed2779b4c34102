package transfer_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// awkward is what a text may hold. Every text of a sample ends with one of these.
var awkward = []string{
	"", `'; DROP TABLE clients; --`, `["a","b"]`, `{"a", NULL}`, `\x00`, "NULL", " \t\r\n", "Zoë, 日本語, 👩‍👩‍👧‍👦, e\u0301, \U0010ffff", "\x01\x7f",
}

// moments are times at the edges of what a store must keep.
var moments = []time.Time{
	time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
	time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
	time.UnixMicro(0).UTC(),
}

// sample returns rows with something in every column. Every third has nothing in any column that may be empty.
func sample(table transfer.Table, count int) []transfer.Row {
	rows := make([]transfer.Row, count)
	for i := range rows {
		for _, column := range table.Columns {
			value := sampleValue(column, i)
			if column.Optional && i%3 == 2 {
				value = transfer.Value{}
			}
			rows[i] = append(rows[i], value)
		}
	}
	return rows
}

func sampleValue(column transfer.Column, i int) (value transfer.Value) {
	text := fmt.Sprint(column.Name, i, awkward[i%len(awkward)])
	switch column.Kind {
	case transfer.Text:
		value.Text = text
		if column.Name == "user_id" {
			value.Text = sampleValue(transfer.Users().Key(), i).Text
		}
	case transfer.Int:
		value.Int = []int64{1, math.MaxInt64/2 - 1}[i%2] + int64(i)
	case transfer.Bool:
		value.Bool = i%2 == 0
	case transfer.Bytes:
		digest := sha256.Sum256([]byte(text))
		value.Bytes = digest[:]
	case transfer.Time:
		value.Time = moments[i%len(moments)]
	case transfer.List:
		value.List = [][]string{{text}, {"", text, ""}, {""}, {`a"b`, `c\d`, "NULL", "{}"}}[i%4]
	}
	return value
}

// fill imports samples into every table of a place.
func fill(t testing.TB, p place, count int) {
	t.Helper()
	use(t, p.fill, func(target opened) {
		for _, table := range transfer.Tables() {
			if err := target.Import(t.Context(), table, sample(table, count)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
