// Package sqlite keeps everything in one SQLite file. It is the default store: no server to run, and still durable.
//
// # Why one writer
//
// SQLite allows one write transaction at a time, and with synchronous=FULL each commit waits for the disk. Callers that
// each bring their own transaction therefore queue for the lock and pay one fsync each: measured, 64 callers get no more
// done than one. So one goroutine owns the only writing connection. It takes whatever operations are waiting, applies
// them in one transaction and commits once. A lone caller waits for nobody, since there is no timer; a crowd shares the
// fsync, which is worth a factor of four. The lock is never contended inside the process, so SQLITE_BUSY can only come
// from another process.
//
// Sharing a transaction must not mean sharing a fate. Three rules keep callers apart:
//
//   - An operation that fails leaves nothing behind, and its neighbours keep what they did. One that changed nothing has
//     nothing to undo. After one that failed halfway the whole batch is undone and applied again, each operation inside a
//     savepoint; so operations may be applied twice, and have no other effect than on the database.
//   - No caller hears anything before the commit, not even a refusal: "already used" may rest on what a neighbour in
//     the same batch did, and is only true once that is durable. When the commit fails, every caller of the batch gets
//     storage.ErrUnavailable.
//   - An operation that has started is not interrupted by its caller's context, because SQLite answers an interrupt by
//     rolling back the whole transaction. Before it has started it is simply withdrawn.
//
// After a failed commit the connection is thrown away rather than reasoned about: what SQLite or the disk still hold is
// unknown then, and a fresh connection recovers from the file.
//
// Reads use read-only connections. In WAL mode they neither wait for the writer nor hold it up, and they see every commit
// that was acknowledged before they began. Lookups of one row by its key, which every request needs, have connections of
// their own, below database/sql: its care for contexts and types costs as much as the lookup.
//
// # Columns
//
// Times are microseconds since the epoch in UTC, and NULL is the zero time. Lists of strings are JSON. Digests are
// 32-byte blobs. Statements use RETURNING, ON CONFLICT and row values, which PostgreSQL and CockroachDB share; only the
// highest sequence of the outbox is read in a way of SQLite's own. Nothing is assembled from data.
package sqlite
