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

// parameters are the settings of the server that the store counts on. Those in the URL win, but for synchronous_commit,
// which may only be raised.
func parameters() map[string]string {
	return map[string]string{
		"synchronous_commit":                  "on", // off may lose the last commits, and with them that a code was used
		"default_transaction_isolation":       "read committed",
		"statement_timeout":                   "5s",
		"lock_timeout":                        "3s",
		"idle_in_transaction_session_timeout": "10s",
	}
}

// configure reads a URL and returns the settings of the pool and the statement that begins a transaction.
//
// A URL that names a default_query_exec_mode other than cache_statement says that a pooler stands between, which lends
// each transaction another connection of the server. What the store counts on is then set by each transaction for itself
// and not once for the connection.
func configure(url string, options settings) (config *pgxpool.Config, begin string, err error) {
	config, err = pgxpool.ParseConfig(url)
	if err != nil {
		return nil, "", err // it shows the URL without its password
	}
	conn := config.ConnConfig
	switch conn.DefaultQueryExecMode {
	case pgx.QueryExecModeSimpleProtocol:
		return nil, "", errors.New("default_query_exec_mode=simple_protocol would write values into statements")
	case pgx.QueryExecModeDescribeExec:
		return nil, "", errors.New("default_query_exec_mode=describe_exec takes two steps, between which a pooler may change " +
			"the connection: use cache_describe")
	}
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectTimeout
		conn.DialFunc = (&net.Dialer{Timeout: connectTimeout}).DialContext
	}
	if conn.ValidateConnect == nil {
		conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	conn.OnPgError = keepConnection(conn.OnPgError)
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		registerColumns(conn.TypeMap())
		return nil
	}
	config.BeforeClose = hangUp
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = options.connections
	}
	config.MaxConnLifetimeJitter = lifetimeSpread

	wanted, err := merge(parameters(), conn.RuntimeParams)
	if err != nil {
		return nil, "", err
	}
	begin = "begin isolation level read committed"
	if pooled(conn) {
		return config, begin + setLocal(wanted), nil
	}
	maps.Copy(conn.RuntimeParams, wanted)
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "gatehouse"
	}
	return config, begin, nil
}

// pooled reports whether the URL speaks of a pooler.
func pooled(conn *pgx.ConnConfig) bool {
	return conn.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement
}

// merge lets given values replace the wanted ones and takes them out of given.
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
	for name, value := range parameters {
		fmt.Fprintf(&text, "; set local %s = '%s'", name, strings.ReplaceAll(value, "'", "''"))
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
