package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	driver "modernc.org/sqlite"
)

// ensureFile creates the database file so that nobody else can ever read it; SQLite gives its companions the same mode.
// An existing file is narrowed by name and never opened here: closing a descriptor would drop the POSIX locks that
// SQLite holds on the file elsewhere in this process.
func ensureFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the operator says where the store is
	if errors.Is(err, fs.ErrExist) {
		return os.Chmod(path, 0o600) //nolint:gosec // as above
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// writeURI describes the writing connection.
func writeURI(path string, busyTimeout time.Duration) string {
	return uri(path, url.Values{
		"mode": {"rw"},
		"_pragma": {
			busy(busyTimeout),
			"journal_mode(WAL)",
			"synchronous(FULL)", // NORMAL may lose the last commits to a power cut, and with them that a code was used
			"foreign_keys(1)",
			"journal_size_limit(67108864)", // give a log that grew under load back to the disk
			"cache_size(-16384)",
			// In pages: every 16 MiB. A page that changes often is then written back once for many commits, and fewer of them
			// wait for it.
			"wal_autocheckpoint(4096)",
			"temp_store(MEMORY)",
		},
	})
}

// readURI describes the connections that read.
func readURI(path string, busyTimeout time.Duration) string {
	return uri(path, url.Values{
		"mode":    {"ro"},
		"_pragma": {busy(busyTimeout), "query_only(1)", "temp_store(MEMORY)"},
	})
}

// existingURI describes a connection that looks at a database from outside of a store. It may write other files.
func existingURI(path string) string {
	return uri(path, url.Values{"mode": {"ro"}, "_pragma": {"temp_store(MEMORY)"}})
}

func busy(timeout time.Duration) string {
	return "busy_timeout(" + strconv.FormatInt(timeout.Milliseconds(), 10) + ")"
}

// uri names the file in SQLite's URI syntax, where the path is percent-encoded.
func uri(path string, query url.Values) string {
	query.Set("_dqs", "false")      // "name" is an identifier, never a string
	query.Set("_defensive", "true") // no statement can write past the schema
	slashed := filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" && !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	return "file:" + (&url.URL{Path: slashed}).EscapedPath() + "?" + query.Encode()
}

// openPool opens a pool of at most size connections that stay open.
func openPool(uri string, size int) (*sql.DB, error) {
	connector, err := driver.NewConnector(uri)
	if err != nil {
		return nil, fmt.Errorf("database URI: %w", err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool, nil
}
