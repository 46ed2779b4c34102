package postgres

import (
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

// Without the row of the last number nobody would hear of a revocation. Then there is none, and its caller knows.
func TestRevocationThatCannotBeRecordedIsNone(t *testing.T) {
	server := postgrestest.Start(t)
	store := openStore(t, server.URL(server.Database(t)))
	ctx := t.Context()
	if err := issue(ctx, store, "kept"); err != nil {
		t.Fatal(err)
	}
	if err := exchange(ctx, store, "kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.pool.Exec(ctx, `DELETE FROM outbox`); err != nil {
		t.Fatal(err)
	}
	filter := storage.GrantFilter{ID: "grant kept", Now: noon}
	_, err := store.RevokeGrants(ctx, filter, storage.RevokedByOperator)
	wantOutage(t, err)
	if grant, err := store.Grant(ctx, "grant kept"); err != nil || !grant.RevokeTime.IsZero() {
		t.Errorf("the grant: revoked at %s, %v", grant.RevokeTime, err)
	}
}
