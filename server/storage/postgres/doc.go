// Package postgres keeps everything in a PostgreSQL database, which several servers share.
//
// # Single use
//
// Each fact that is decided once is decided by one statement, whose WHERE clause is the guard and whose row is the
// answer. Under read committed, two such statements on one row wait for each other, and the second sees what the first
// has done. The exchange of a code and the rotation of a refresh token are such statements, with all that belongs to them
// in data-modifying CTEs: one round trip, one commit, and no lock is held while a packet travels.
//
// A statement that finds nothing to change is explained by a second one. What it reports (used, expired, revoked, gone)
// never turns back, so nothing is lost between the two. Only a rotation is judged under a lock, since a replay revokes.
//
// Where other tables decide, or a count, no guard on a row is enough: the statement sees other tables as they were when
// it began. There, whoever might change the answer must come by one row, which is locked first: the credential itself
// for its deletion, the user for a sweep, a row of turns for the limits and for new signing keys.
//
// # The outbox
//
// Revocations become visible in the order of their numbers, so that a follower reads on from the last one it saw and
// misses none. Whoever revokes holds the row of the last number from his last statement to his commit. So revocations
// commit one after another, and each waits for the disk of the one before; a login or a refresh waits for none. A server
// that vanishes in between, which only a transaction of several statements leaves time for, holds the others up until
// idle_in_transaction_session_timeout; what cannot be revoked meanwhile is told as an outage.
//
// # Durability
//
// synchronous_commit is on, whatever the server's default is: a commit that was acknowledged and lost would let a code be
// used twice. A failed connection leaves the outcome of a write unknown. The caller is told so, with
// storage.ErrUnavailable, and presents the same code or token again. Only a transaction that the server has undone in
// favour of another (serialization failure, deadlock) is repeated here.
//
// # Connections
//
// The pool is small on purpose: PostgreSQL shares the disk's sync among those who commit at the same time, and more
// connections than that only wait inside the server instead of here. The settings that the store counts on (config.go)
// go with the connection.
//
// Behind PgBouncer or another pooler in transaction mode the URL needs default_query_exec_mode=cache_describe (or exec).
// Then no statement is prepared by name, no setting is given to a connection, and each writing transaction begins with
// the settings. Reads have no statement_timeout there; they end with WithOperationTimeout. Migrations work through such a
// pooler as well, since their lock is a row.
//
// # Other servers
//
// Tested with PostgreSQL 15 and PgBouncer 1.18. The SQL keeps to what CockroachDB and YugabyteDB document, too: no
// functions, no LISTEN, no advisory locks, casts where a parameter stands in a SELECT list. That was reasoned and not run.
// What to look at first: CockroachDB needs 22.2 for SKIP LOCKED, and repeats what read committed leaves to locks as
// serialization failures, which are retried. The numbers of the outbox come from a row, since a sequence gives them out in
// another order than that of the commits everywhere, and YugabyteDB by the hundred.
//
// # Columns
//
// Times are timestamptz, cut to microseconds. Lists are text[], digests and sealed values bytea. NULL is the zero time,
// the empty list, the absent value. Ids are ordered by the collation of the database, which is the same for pages and
// cursors; "C" is the fastest.
package postgres
