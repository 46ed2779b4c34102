package transfer

import (
	"math/rand/v2"
	"testing"
	"time"
)

// everyKind is a table with a column of each kind.
func everyKind() Table {
	return table("kinds", required("a", Text), required("b", Text), optional("c", Int), required("d", Bool),
		optional("e", Bytes), optional("f", Time), optional("g", List), optional("h", List))
}

func rowOfEveryKind() Row {
	return Row{
		{Text: "a"},
		{Text: "b"},
		{Int: 1},
		{Bool: true},
		{Bytes: []byte{1, 2}},
		{Time: time.UnixMicro(1).UTC()},
		{List: []string{"x", "y"}},
		{List: []string{"z"}},
	}
}

func sumOf(rows ...Row) (sum Sum) {
	for _, row := range rows {
		sum.Add(everyKind(), row)
	}
	return sum
}

func TestSumDoesNotDependOnTheOrder(t *testing.T) {
	rows := make([]Row, 20)
	for i := range rows {
		rows[i] = rowOfEveryKind()
		rows[i][2].Int = int64(i)
	}
	want := sumOf(rows...)
	rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	if got := sumOf(rows...); got != want {
		t.Errorf("shuffled: %s, before: %s", got, want)
	}
	if want.Rows != 20 {
		t.Errorf("%d rows were counted", want.Rows)
	}
}

func TestSumTellsRowsApart(t *testing.T) {
	change := map[string]func(Row){
		"nothing":                  func(Row) {},
		"text":                     func(r Row) { r[0].Text = "A" },
		"a text moves on":          func(r Row) { r[0].Text, r[1].Text = "", "ab" },
		"number":                   func(r Row) { r[2].Int = -1 },
		"no number":                func(r Row) { r[2].Int = 0 },
		"truth":                    func(r Row) { r[3].Bool = false },
		"bytes":                    func(r Row) { r[4].Bytes = []byte{1, 3} },
		"no bytes":                 func(r Row) { r[4].Bytes = nil },
		"a microsecond":            func(r Row) { r[5].Time = r[5].Time.Add(time.Microsecond) },
		"the epoch":                func(r Row) { r[5].Time = time.UnixMicro(0) },
		"no time":                  func(r Row) { r[5].Time = time.Time{} },
		"list":                     func(r Row) { r[6].List = []string{"y", "x"} },
		"a list joined":            func(r Row) { r[6].List = []string{"xy"} },
		"an element moves on":      func(r Row) { r[6].List, r[7].List = []string{"x"}, []string{"y", "z"} },
		"a list of the empty text": func(r Row) { r[6].List = []string{""} },
		"no list":                  func(r Row) { r[6].List = nil },
	}
	seen := make(map[Sum]string)
	for name, change := range change {
		row := rowOfEveryKind()
		change(row)
		sum := sumOf(row)
		if other, ok := seen[sum]; ok {
			t.Errorf("%q and %q have the same sum", name, other)
		}
		seen[sum] = name
	}
}

func TestSumTakesEqualValuesForEqual(t *testing.T) {
	row := rowOfEveryKind()
	row[4].Bytes, row[5].Time, row[6].List = []byte{}, row[5].Time.In(time.FixedZone("elsewhere", 3600)), []string{}
	other := rowOfEveryKind()
	other[4].Bytes, other[6].List = nil, nil
	if sumOf(row) != sumOf(other) {
		t.Error("empty and nil, or the same moment in two zones, differ")
	}
}

func TestSumNoticesARowThatIsThereTwice(t *testing.T) {
	row := rowOfEveryKind()
	once, twice := sumOf(row), sumOf(row, row)
	if once.digest == twice.digest || twice.digest == (Sum{}).digest {
		t.Error("a row that is there twice does not show in the digest")
	}
}
