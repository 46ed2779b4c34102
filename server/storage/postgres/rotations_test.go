package postgres

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

// A token becomes the head of its line by a rotation that is committed while the token is being presented. It is then
// the head, and moves on: telling its holder that there is no such token would end a session.
func TestTokenThatBecomesTheHeadMeanwhileRotates(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.URL(server.Database(t))
	store := openStore(t, url)
	ctx := t.Context()
	if err := issue(ctx, store, "line"); err != nil {
		t.Fatal(err)
	}
	if err := exchange(ctx, store, "line"); err != nil {
		t.Fatal(err)
	}
	other, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.WithoutCancel(ctx))
	tx, err := other.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var grant storage.Grant
	if err := moveHead(&session{ctx, tx}, &grant, rotation("line", 1)); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		rotated storage.Rotated
		err     error
	}
	told := make(chan answer)
	go func() {
		rotated, err := store.RotateRefreshToken(ctx, rotation("line", 2))
		told <- answer{rotated, err}
	}()
	awaitWaiter(t, other)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if a := <-told; a.err != nil || a.rotated.Repeated || a.rotated.Grant.Refresh.Generation != 3 {
		t.Errorf("presenting the second token answered %+v, %v", a.rotated, a.err)
	}
}
