package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
	"github.com/gatehouse-auth/gatehouse/server/storage/storagetest"
)

func open(t testing.TB, url string, opts ...postgres.Option) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return store
}

func TestStoreKeepsTheContract(t *testing.T) {
	server := postgrestest.Start(t)
	storagetest.Run(t, func(t *testing.T) storage.Store { return open(t, server.Schema(t)) })
}

func TestStoreIsDurable(t *testing.T) {
	server := postgrestest.Start(t)
	storagetest.RunDurable(t, func(t *testing.T) func() storage.Store {
		url := server.Schema(t)
		return func() storage.Store { return open(t, url) }
	})
}

// PgBouncer in transaction mode lends each transaction another connection, and refuses settings for a connection. So
// nothing may rest on the state of one.
func TestStoreWorksThroughAPooler(t *testing.T) {
	server := postgrestest.Start(t)
	pooler := server.StartPooler(t)
	for _, mode := range []string{"cache_describe", "exec"} {
		t.Run(mode, func(t *testing.T) {
			name := server.Database(t)
			direct, err := pgx.Connect(t.Context(), server.URL(name))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = direct.Close(context.WithoutCancel(t.Context())) })
			create := func(t *testing.T) func() storage.Store {
				const asNew = `DROP SCHEMA public CASCADE; CREATE SCHEMA public` // faster than a new database
				if _, err := direct.Exec(t.Context(), asNew); err != nil {
					t.Fatal(err)
				}
				return func() storage.Store { return open(t, pooler.URL(name)+"&default_query_exec_mode="+mode) }
			}
			storagetest.RunDurable(t, create)
			if mode == "exec" || testing.Short() {
				t.Log("the rest of the suite is left out here: the modes differ in how they send values only")
				return
			}
			storagetest.Run(t, func(t *testing.T) storage.Store { return create(t)() })
		})
	}
}
