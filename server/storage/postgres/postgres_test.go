package postgres_test

import (
	"testing"

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

// migrated makes a database with the schema, for copies.
func migrated(t testing.TB, server *postgrestest.Server) string {
	t.Helper()
	name := server.Database(t)
	if err := postgres.Migrate(t.Context(), server.URL(name), postgres.Up); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestStoreKeepsTheContract(t *testing.T) {
	server := postgrestest.Start(t)
	template := migrated(t, server)
	storagetest.Run(t, func(t *testing.T) storage.Store {
		return open(t, server.URL(server.Copy(t, template)))
	})
}

func TestStoreIsDurable(t *testing.T) {
	server := postgrestest.Start(t)
	storagetest.RunDurable(t, func(t *testing.T) func() storage.Store {
		url := server.URL(server.Database(t))
		return func() storage.Store { return open(t, url) }
	})
}
