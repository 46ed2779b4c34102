package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

func TestOnlyWhatTheServerHasUndoneIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"success":                    {nil, 1},
		"a verdict":                  {storage.ErrUsed, 1},
		"a serialization failure":    {&pgconn.PgError{Code: "40001"}, attempts},
		"a deadlock, wrapped":        {fmt.Errorf("x: %w", &pgconn.PgError{Code: "40P01"}), attempts},
		"a unique violation":         {&pgconn.PgError{Code: "23505"}, 1},
		"two first logins at once":   {fmt.Errorf("%w: %w", errMet, &pgconn.PgError{Code: "23505"}), attempts},
		"a timeout of the statement": {&pgconn.PgError{Code: "57014"}, 1},
		"a lost connection":          {io.ErrUnexpectedEOF, 1},
	} {
		tries := 0
		r := retry{pause: func(context.Context, int) error { return nil }}
		err := r.do(t.Context(), func() error { tries++; return c.err })
		if tries != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d tries, then %v; want %d", name, tries, err, c.want)
		}
	}
}

func TestRetryEndsWithTheFirstSuccess(t *testing.T) {
	tries, pauses := 0, 0
	r := retry{pause: func(_ context.Context, attempt int) error {
		pauses += attempt
		return nil
	}}
	err := r.do(t.Context(), func() error {
		if tries++; tries < 3 {
			return &pgconn.PgError{Code: deadlockDetected}
		}
		return nil
	})
	if err != nil || tries != 3 || pauses != 1+2 {
		t.Errorf("%d tries, pauses %d, %v", tries, pauses, err)
	}
}

func TestPausesAreShortAndEndWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		for attempt := 1; attempt < attempts; attempt++ {
			if err := pause(t.Context(), attempt); err != nil {
				t.Error(err)
			}
		}
		if waited := time.Since(start); waited >= 150*time.Millisecond {
			t.Errorf("all pauses together took %v", waited)
		}
		left, leave := context.WithCancel(t.Context())
		leave()
		if err := pause(left, attempts); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Two transactions that wait for each other: the server undoes ours, and nobody notices.
func TestDeadlockIsOverAfterAnotherTry(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.URL(server.Database(t))
	store := openStore(t, url)
	ctx := t.Context()
	for _, name := range []string{"first", "second"} {
		if err := issue(ctx, store, name); err != nil {
			t.Fatal(err)
		}
		if err := exchange(ctx, store, name); err != nil {
			t.Fatal(err)
		}
	}
	other, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.WithoutCancel(ctx))
	run := func(statement string) {
		t.Helper()
		if _, err := other.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	run(`SET deadlock_timeout = '1min'`) // so that not we are the one who notices
	run(`BEGIN`)
	run(`SELECT 1 FROM grants WHERE id = 'grant second' FOR UPDATE`)
	type answer struct {
		ids []string
		err error
	}
	told := make(chan answer)
	go func() {
		ids, err := store.RevokeGrants(ctx, storage.GrantFilter{UserID: "user", Now: noon}, storage.RevokedByUser)
		told <- answer{ids, err}
	}()
	awaitWaiter(t, other)
	run(`SELECT 1 FROM grants WHERE id = 'grant first' FOR UPDATE`)
	run(`ROLLBACK`)
	if a := <-told; a.err != nil || len(a.ids) != 2 {
		t.Errorf("revoking answered %v, %v", a.ids, a.err)
	}
	if revocations, err := store.Revocations(ctx, 0, 10); err != nil || len(revocations) != 2 {
		t.Errorf("the outbox has %v, %v", revocations, err)
	}
}

// awaitWaiter returns once somebody waits for a lock. Who should wait and does not fails the test, instead of the run after
// ten minutes.
func awaitWaiter(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for waiting := false; !waiting; {
		query := `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)`
		if err := conn.QueryRow(ctx, query).Scan(&waiting); err != nil {
			t.Fatalf("nobody waits for a lock: %v", err)
		}
	}
}
