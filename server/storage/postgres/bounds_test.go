package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

// Only close to the limit do inserts wait for each other.
func TestInsertsFarBelowTheLimitTakeNoTurns(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.URL(server.Database(t))
	store := openStore(t, url+"&lock_timeout=50")
	other, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.WithoutCancel(t.Context()))
	for _, statement := range []string{`BEGIN`, `SELECT name FROM turns FOR UPDATE`} {
		if _, err := other.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	client := func(id string) storage.Client {
		return storage.Client{ID: id, Origin: storage.OriginDynamic, CreateTime: noon}
	}
	if err := store.CreateClient(t.Context(), client("far"), margin+1); err != nil {
		t.Errorf("far below the limit: %v", err)
	}
	wantOutage(t, store.CreateClient(t.Context(), client("close"), margin+1))
}

// An index takes no key of more than some 2700 bytes after compression. That is about the caller's text and no outage.
func TestKeyThatIsTooLongIsInvalid(t *testing.T) {
	server := postgrestest.Start(t)
	store := openStore(t, server.URL(server.Database(t)))
	long := rand.Text()
	for len(long) < 10_000 {
		long += rand.Text()
	}
	client := storage.Client{ID: long, Origin: storage.OriginDynamic, CreateTime: noon}
	if err := store.CreateClient(t.Context(), client, 1000); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("storing answered %v, want %v", err, storage.ErrInvalid)
	}
	if _, err := store.Client(t.Context(), long); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("looking answered %v, want %v", err, storage.ErrNotFound)
	}
}
