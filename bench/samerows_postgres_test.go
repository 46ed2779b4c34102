package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresRows has as many connections as the store, and one statement for each operation.
type postgresRows struct {
	*pgxpool.Pool
	grants []string // ids of those that are refreshed
	marks  marks    // an element is used by one caller only
}

func openPostgresRows(b *testing.B, url string) *postgresRows {
	b.Helper()
	pool := openPool(b, url)
	rows, err := pool.Query(b.Context(), `SELECT id FROM grants`)
	if err != nil {
		b.Fatal(err)
	}
	grants, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		b.Fatal(err)
	}
	return &postgresRows{Pool: pool, grants: grants}
}

func openPool(b *testing.B, url string) *pgxpool.Pool {
	b.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		b.Fatal(err)
	}
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return pool
}

// markSubject marks the client of a code or a grant as used, unless that was done a minute ago.
const markSubject = `UPDATE clients SET last_used_time = now() WHERE id = (SELECT client_id FROM subject)
		AND (last_used_time IS NULL OR last_used_time < now() - INTERVAL '1 minute')`

func (r *postgresRows) issue(model []byte, codes [][]byte) error {
	grants := make([]string, len(codes))
	for i := range grants {
		grants[i] = rand.Text()
	}
	_, err := r.Exec(context.Background(), `INSERT INTO codes
		SELECT new.hash, new.grant_id, client_id, redirect_uri, redirect_given, challenge, resource, scopes, user_id,
			credential_id, create_time, expire_time + INTERVAL '1 day', NULL
		FROM codes, unnest($2::bytea[], $3::text[]) AS new (hash, grant_id) WHERE codes.hash = $1`, model, codes, grants)
	return err
}

func (r *postgresRows) exchange(code []byte) error {
	return r.one(`WITH subject AS (
			UPDATE codes SET use_time = now() WHERE hash = $1 AND use_time IS NULL AND expire_time > now() RETURNING *
		), marked AS (`+markSubject+`)
		INSERT INTO grants (id, client_id, user_id, credential_id, resource, scopes, create_time, last_used_time, expire_time,
			revoke_reason, refresh_generation, refresh_hash, refresh_expire_time)
		SELECT grant_id, client_id, user_id, credential_id, resource, scopes, now(), now(), now() + INTERVAL '90 days', '', 1,
			$2, now() + INTERVAL '30 days'
		FROM subject`, code, randomHash())
}

func (r *postgresRows) refresh(grant int) error {
	const rotate = `UPDATE grants SET refresh_generation = refresh_generation + 1, refresh_hash = $2,
			refresh_rotate_time = now(), refresh_expire_time = now() + INTERVAL '30 days', last_used_time = now()
		WHERE id = $1 AND revoke_time IS NULL AND expire_time > now() AND refresh_expire_time > now()`
	statement := rotate
	if r.marks.due(grant) {
		statement = `WITH subject AS (` + rotate + ` RETURNING client_id), marked AS (` + markSubject + `)
			SELECT client_id FROM subject`
	}
	return r.one(statement, r.grants[grant], randomHash())
}

// one executes a statement that writes or returns one row.
func (r *postgresRows) one(statement string, args ...any) error {
	tag, err := r.Exec(context.Background(), statement, args...)
	if err == nil && tag.RowsAffected() != 1 {
		err = errors.New("a row is missing")
	}
	return err
}
