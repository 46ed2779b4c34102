package transfer

import "slices"

// Kind is what a column holds.
type Kind int

// Kinds.
const (
	Text Kind = iota + 1
	Int
	Bool
	Bytes
	Time
	List // of texts
)

// Column describes a column.
type Column struct {
	Name string
	Kind Kind
	// Optional says that a row may have no value here. A backend stores that as it stores it otherwise: NULL, zero or an
	// empty list.
	Optional bool
}

// Table describes a table. Its first column is the primary key.
type Table struct {
	Name    string
	Columns []Column
}

// Key is the primary key.
func (t Table) Key() Column { return t.Columns[0] }

// Names returns the names of all columns in order.
func (t Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		names[i] = column.Name
	}
	return names
}

// Index returns where a column stands in a row. It panics when there is no such column.
func (t Table) Index(name string) int {
	i := slices.Index(t.Names(), name)
	if i < 0 {
		panic("transfer: table " + t.Name + " has no column " + name)
	}
	return i
}

// Tables returns every table that is moved, in an order in which rows come after those that they refer to. What a backend
// keeps for itself (the schema's version, heartbeats, locks) is not moved.
func Tables() []Table {
	return []Table{
		Clients(), Users(), Credentials(), Transactions(), Codes(), Grants(), Revocations(), AccountSessions(),
		Assertions(), SigningKeys(),
	}
}

func table(name string, columns ...Column) Table { return Table{Name: name, Columns: columns} }

func required(name string, kind Kind) Column { return Column{Name: name, Kind: kind} }

func optional(name string, kind Kind) Column { return Column{Name: name, Kind: kind, Optional: true} }
