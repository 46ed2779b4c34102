package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// connectTimeout bounds one attempt to connect, unless the URL has connect_timeout.
	connectTimeout = 3 * time.Second
	// lifetimeSpread keeps the connections of many replicas from being renewed at the same time.
	lifetimeSpread = 10 * time.Minute
)

// access is how a store gets at its database.
type access struct {
	pool *pgxpool.Config
	// pooled says that a pooler stands between, which lends each transaction another connection of the server. What the
	// store counts on is then set by each transaction for itself and not once for the connection.
	pooled bool
	// begin is the statement that begins a transaction.
	begin string
}

// parameters are the settings of the server that the store counts on. Those in the URL go before them.
func parameters() map[string]string {
	return map[string]string{
		"synchronous_commit":                  "on", // off may lose the last commits, and with them that a code was used
		"default_transaction_isolation":       "read committed",
		"statement_timeout":                   "5s",
		"lock_timeout":                        "3s",
		"idle_in_transaction_session_timeout": "10s",
	}
}

// configure reads a URL. Its default_query_exec_mode says whether there is a pooler. The errors show the URL without its
// password.
func configure(url string, options settings) (access, error) {
	pool, err := pgxpool.ParseConfig(url)
	if err != nil {
		return access{}, err
	}
	conn := pool.ConnConfig
	pooled, err := pooledMode(conn.DefaultQueryExecMode)
	if err != nil {
		return access{}, err
	}
	wanted, err := merge(parameters(), conn.RuntimeParams)
	if err != nil {
		return access{}, err
	}
	begin := "begin isolation level read committed"
	if pooled {
		begin += setLocal(wanted)
	} else {
		maps.Copy(conn.RuntimeParams, wanted)
		if conn.RuntimeParams["application_name"] == "" {
			conn.RuntimeParams["application_name"] = "gatehouse"
		}
	}
	boundConnections(pool, url, options)
	return access{pool, pooled, begin}, nil
}

// pooledMode says whether a mode of the driver is one for a pooler.
func pooledMode(mode pgx.QueryExecMode) (bool, error) {
	switch mode {
	case pgx.QueryExecModeCacheStatement:
		return false, nil
	case pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeExec:
		return true, nil
	case pgx.QueryExecModeDescribeExec:
		return false, errors.New("default_query_exec_mode=describe_exec takes two steps, between which a pooler may " +
			"change the connection: use cache_describe")
	default:
		return false, errors.New("default_query_exec_mode=simple_protocol would write values into statements: " +
			"use cache_describe")
	}
}

// boundConnections sets how many connections there are, how long they take, and when they are dropped.
func boundConnections(pool *pgxpool.Config, url string, options settings) {
	if !strings.Contains(url, "pool_max_conns") {
		pool.MaxConns = options.connections
	}
	pool.MaxConnLifetimeJitter = lifetimeSpread
	pool.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		registerColumns(conn.TypeMap())
		return nil
	}
	pool.BeforeClose = hangUp
	conn := pool.ConnConfig
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectTimeout
		conn.DialFunc = (&net.Dialer{Timeout: connectTimeout}).DialContext
	}
	if conn.ValidateConnect == nil { // the URL has no target_session_attrs
		conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	conn.OnPgError = keepConnection(conn.OnPgError)
}

// merge lets given values replace the wanted ones and takes them out of given. synchronous_commit may only be raised.
func merge(wanted, given map[string]string) (map[string]string, error) {
	for name := range wanted {
		if value, ok := given[name]; ok {
			wanted[name] = value
			delete(given, name)
		}
	}
	commit := wanted["synchronous_commit"]
	if !slices.Contains([]string{"on", "remote_apply"}, commit) {
		return nil, fmt.Errorf("synchronous_commit=%s may lose what was acknowledged: use on or remote_apply", commit)
	}
	return wanted, nil
}

// setLocal returns statements that set parameters until the end of a transaction. The values are the operator's.
func setLocal(parameters map[string]string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		fmt.Fprintf(&text, "; set local %s = '%s'", name, strings.ReplaceAll(parameters[name], "'", "''"))
	}
	return text.String()
}

// keepConnection says after which errors a connection stays open. One to a server that takes no writes any more leads
// to the wrong side of a failover.
func keepConnection(usual pgconn.PgErrorHandler) pgconn.PgErrorHandler {
	return func(conn *pgconn.PgConn, failure *pgconn.PgError) bool {
		return failure.Code != readOnlyTransaction && usual(conn, failure)
	}
}

// hangUp closes the socket of a connection that is broken. The driver would wait 15 s for the server to say goodbye, and
// the pool would count the connection as long.
func hangUp(conn *pgx.Conn) {
	if conn.IsClosed() {
		_ = conn.PgConn().Conn().Close()
	}
}
