package transfer

import "time"

// Value is what a column holds: the field of the column's kind. The zero value stands for NULL and for what is empty,
// which stores do not tell apart.
type Value struct {
	Text  string
	Int   int64
	Bool  bool
	Bytes []byte
	Time  time.Time // UTC, in microseconds
	List  []string
}

// Row holds a value for each column of its table, in their order.
type Row []Value

// Key returns the primary key.
func (r Row) Key() Value { return r[0] }
