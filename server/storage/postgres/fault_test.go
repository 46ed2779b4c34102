package postgres

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

// commit is the message that ends a transaction. "commit" alone is found in settings, too.
const commit = "Q\x00\x00\x00\x0bcommit\x00"

// A connection can break when nobody knows any more what the server did. The caller is told so, the rows are as if the
// operation had happened or not at all, and the next operation finds a connection.
func TestLostConnectionLeavesAWholeState(t *testing.T) {
	server := postgrestest.Start(t)
	proxy := server.StartProxy(t)
	name := server.Database(t)
	direct, far := openStore(t, server.URL(name)), openStore(t, proxy.URL(name))
	ctx := t.Context()
	for fault, happened := range map[postgrestest.Fault]bool{
		postgrestest.LostRequest: false,
		postgrestest.LostReply:   true,
	} {
		name := numbered("fault", int(fault))
		if err := claim(ctx, direct, name); err != nil {
			t.Fatal(err)
		}
		proxy.Fail(fault, commit)
		wantOutage(t, complete(ctx, far, name))
		if _, err := direct.Code(ctx, codeNamed(name).Hash); (err == nil) != happened {
			t.Errorf("%v of a commit: the code answers %v", fault, err)
		}
		wantAgain(t, complete(ctx, far, name), happened)

		proxy.Fail(fault, "grant "+name)
		wantOutage(t, exchange(ctx, far, name))
		if _, err := direct.Grant(ctx, "grant "+name); (err == nil) != happened {
			t.Errorf("%v of an exchange: the grant answers %v", fault, err)
		}
		wantAgain(t, exchange(ctx, far, name), happened)

		// The client tries again with the token that it still has: with the reply lost, that is a repetition.
		proxy.Fail(fault, "grant "+name)
		wantOutage(t, rotate(ctx, far, name, 1))
		rotated, err := far.RotateRefreshToken(ctx, rotation(name, 1))
		if err != nil || rotated.Repeated != happened || rotated.Grant.Refresh.Generation != 2 {
			t.Errorf("%v of a rotation: presenting the token again answers %+v, %v", fault, rotated, err)
		}
	}
}

// wantAgain checks what a second try is told, given whether the first had happened.
func wantAgain(t *testing.T, err error, happened bool) {
	t.Helper()
	var want error
	if happened {
		want = storage.ErrUsed
	}
	if !errors.Is(err, want) {
		t.Errorf("trying again answers %v, want %v", err, want)
	}
}

func TestSilentServerIsAnOutageInTime(t *testing.T) {
	server := postgrestest.Start(t)
	proxy := server.StartProxy(t)
	store := openStore(t, proxy.URL(server.Database(t)), WithOperationTimeout(time.Second))
	proxy.Fail(postgrestest.Silence, "nobody")
	_, err := store.Client(t.Context(), "nobody")
	wantOutage(t, err)
	if _, err := store.Client(t.Context(), "nobody"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("afterwards the store answers %v", err)
	}
}
