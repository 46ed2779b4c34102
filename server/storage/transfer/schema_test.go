package transfer_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// A column or a table that a migration adds has to be described here as well, or a copy would lose it.

// columnType is a column as a schema declares it.
type columnType struct {
	Table, Name, Type string
	Nullable, Key     bool
}

// declared returns what a schema has to declare for the descriptions. nullable says for which optional columns.
func declared(types map[transfer.Kind]string, nullable func(transfer.Column) bool) (all []columnType) {
	for _, table := range transfer.Tables() {
		for _, column := range table.Columns {
			all = append(all, columnType{
				Table: table.Name, Name: column.Name, Type: types[column.Kind],
				Nullable: column.Optional && nullable(column), Key: column == table.Key(),
			})
		}
	}
	return all
}

// wantDeclared compares column by column, in whatever order they are.
func wantDeclared(t *testing.T, got, want []columnType) {
	t.Helper()
	order := func(a, b columnType) int {
		return strings.Compare(a.Table+"."+a.Name, b.Table+"."+b.Name)
	}
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the schema is not as described (-described +schema):\n%s", diff)
	}
}

func TestTablesDescribeTheSchemaOfSQLite(t *testing.T) {
	f := newFile(t)
	use(t, f.serve, func(storage.Store) {})
	pool, err := sql.Open("sqlite", string(f))
	must(t, err)
	defer pool.Close()
	rows, err := pool.QueryContext(t.Context(), `SELECT t.name, c.name, c.type, NOT c."notnull", c.pk
		FROM pragma_table_list t, pragma_table_info(t.name) c
		WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT IN ('schema_version', 'heartbeat')`)
	must(t, err)
	defer rows.Close()
	var found []columnType
	for rows.Next() {
		var c columnType
		must(t, rows.Scan(&c.Table, &c.Name, &c.Type, &c.Nullable, &c.Key))
		found = append(found, c)
	}
	must(t, rows.Err())
	wantDeclared(t, found, declared(map[transfer.Kind]string{
		transfer.Text: "TEXT", transfer.Int: "INTEGER", transfer.Bool: "INTEGER", transfer.Bytes: "BLOB",
		transfer.Time: "INTEGER", transfer.List: "TEXT",
	}, func(c transfer.Column) bool { return c.Kind != transfer.List })) // the empty list is "[]"
}

func TestTablesDescribeTheSchemaOfPostgreSQL(t *testing.T) {
	d := newDatabase(t, postgrestest.Start(t))
	use(t, d.serve, func(storage.Store) {})
	conn, err := pgx.Connect(t.Context(), string(d))
	must(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `SELECT c.table_name, c.column_name, c.data_type, c.is_nullable = 'YES', EXISTS (
			SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
			WHERE i.indisprimary AND i.indrelid = c.table_name::regclass AND a.attname = c.column_name)
		FROM information_schema.columns c
		WHERE c.table_schema = current_schema() AND c.table_name NOT IN ('schema_version', 'heartbeat', 'turns', 'outbox')`)
	must(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[columnType])
	must(t, err)
	wantDeclared(t, found, declared(map[transfer.Kind]string{
		transfer.Text: "text", transfer.Int: "bigint", transfer.Bool: "boolean", transfer.Bytes: "bytea",
		transfer.Time: "timestamp with time zone", transfer.List: "ARRAY",
	}, func(c transfer.Column) bool { return c.Kind != transfer.Int })) // no number is 0

	rows, err = conn.Query(t.Context(), `SELECT sequencename::text FROM pg_sequences WHERE schemaname = current_schema() ORDER BY 1`)
	must(t, err)
	sequences, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	if diff := cmp.Diff([]string{"credential_fences"}, sequences); diff != "" {
		t.Errorf("a sequence has no place in Counters (-known +schema):\n%s", diff)
	}
}
