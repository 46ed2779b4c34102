package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

func TestUnsafeOrUnreadableURLIsRefusedWithoutItsPassword(t *testing.T) {
	const password = "canary"
	for url, reason := range map[string]string{
		"postgres://u:canary@h/db?default_query_exec_mode=simple_protocol": "write values into statements",
		"postgres://u:canary@h/db?default_query_exec_mode=describe_exec":   "use cache_describe",
		"postgres://u:canary@h/db?synchronous_commit=off":                  "may lose what was acknowledged",
		"postgres://u:canary@h/db?synchronous_commit=local":                "may lose what was acknowledged",
		"postgres://u:canary@h:port/db":                                    "invalid port",
		"postgres://u:canary@h/db?sslmode=perhaps":                         "sslmode is invalid",
		"postgres://u:can%ary@h/db":                                        "percent-encoded",
		"host=h user=u password=canary port=x":                             "invalid port",
	} {
		_, err := Open(t.Context(), url)
		if !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, want %q", url, err, reason)
		}
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestUnreachableServerIsAnOutageWithoutThePassword(t *testing.T) {
	_, err := Open(t.Context(), "postgres://u:canary@/db?host="+t.TempDir())
	if !errors.Is(err, storage.ErrUnavailable) || strings.Contains(err.Error(), "canary") {
		t.Errorf("opening answered %v", err)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	for url, want := range map[string]int32{
		"postgres://h/db":                   10,
		"postgres://h/db?pool_max_conns=25": 25,
	} {
		access, err := configure(url, settings{connections: 10})
		if err != nil {
			t.Error(err)
		} else if access.pool.MaxConns != want {
			t.Errorf("%s: %d connections, want %d", url, access.pool.MaxConns, want)
		}
	}
}

// What the store counts on holds whatever the server's defaults are, and what the URL says goes before ours.
func TestSettingsHold(t *testing.T) {
	server := postgrestest.Start(t)
	pooler := server.StartPooler(t)
	name := server.Database(t)
	admin, err := pgx.Connect(t.Context(), server.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	for _, setting := range []string{
		"synchronous_commit = off", "statement_timeout = 0", "default_transaction_isolation = 'repeatable read'",
	} {
		if _, err := admin.Exec(t.Context(), "ALTER DATABASE "+name+" SET "+setting); err != nil {
			t.Fatal(err)
		}
	}
	const given = "&lock_timeout=1234&synchronous_commit=remote_apply"
	for way, url := range map[string]string{
		"direct": server.URL(name), "pooled": pooler.URL(name) + "&default_query_exec_mode=cache_describe",
	} {
		wantSettings(t, way, openStore(t, url), map[string]string{
			"synchronous_commit": "on", "transaction_isolation": "read committed", "statement_timeout": "5s",
			"lock_timeout": "3s", "idle_in_transaction_session_timeout": "10s",
		})
		wantSettings(t, way+", given", openStore(t, url+given), map[string]string{
			"synchronous_commit": "remote_apply", "lock_timeout": "1234ms", "statement_timeout": "5s",
		})
	}
}

// wantSettings checks what a statement that writes sees.
func wantSettings(t *testing.T, way string, store *Store, want map[string]string) {
	t.Helper()
	for _, run := range []func(context.Context, string, func(*session) error) error{store.write, store.transact} {
		err := run(t.Context(), "settings", func(tx *session) error {
			for name, value := range want {
				var got string
				if err := tx.row([]any{&got}, "SHOW "+name); err != nil {
					return err
				}
				if got != value {
					t.Errorf("%s: %s is %s, want %s", way, name, got, value)
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func TestDatabaseThatCannotServeIsRefused(t *testing.T) {
	server := postgrestest.Start(t)
	admin, err := pgx.Connect(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	for statement, reason := range map[string]string{
		`CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0`:                          "create one with UTF8",
		`CREATE DATABASE standby; ALTER DATABASE standby SET default_transaction_read_only = on`: "read only",
	} {
		name := strings.Trim(strings.Fields(statement)[2], ";")
		for part := range strings.SplitSeq(statement, ";") {
			if _, err := admin.Exec(t.Context(), part); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(t.Context(), server.URL(name))
		if !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: opening answered %v, want %q", name, err, reason)
		}
	}
}

// A server that becomes a standby keeps its connections. The store must not.
func TestConnectionToAServerThatTakesNoWritesIsDropped(t *testing.T) {
	server := postgrestest.Start(t)
	store := openStore(t, server.URL(server.Database(t)), WithConnections(1))
	err := store.read(t.Context(), "demote", func(tx *session) error {
		_, err := tx.change(`SET default_transaction_read_only = on`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantOutage(t, store.Ping(t.Context()))
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("with another connection: %v", err)
	}
}

func TestWaitingForAConnectionIsBounded(t *testing.T) {
	server := postgrestest.Start(t)
	store := openStore(t, server.URL(server.Database(t)), WithConnections(1), WithAcquireTimeout(time.Second))
	err := store.read(t.Context(), "hold", func(*session) error {
		start := time.Now()
		wantOutage(t, store.Ping(t.Context()))
		if waited := time.Since(start); waited > 10*time.Second {
			t.Errorf("it took %v", waited)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
