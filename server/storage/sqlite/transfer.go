package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// patience is how long opening waits for another process that is about to close the file.
const patience = time.Second

// Transfer reads and writes whole tables of a database that nobody else has open: while it is open, SQLite lets no other
// process in. It is for one goroutine.
type Transfer struct {
	session *session
}

var _ transfer.Target = (*Transfer)(nil)

// OpenForExport opens an existing database of this program's schema and changes nothing in it. It fails with
// transfer.ErrInUse when another process has it open.
func OpenForExport(ctx context.Context, path string) (*Transfer, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, answer("open "+path, err)
	}
	return openTransfer(ctx, path, requireSchema, "query_only(1)")
}

// OpenForImport opens a database, creates it when it is missing, and brings its schema up to date. It fails with
// transfer.ErrInUse when another process has it open, and with ErrNewerSchema as Open does.
func OpenForImport(ctx context.Context, path string) (*Transfer, error) {
	if err := ensureFile(path); err != nil {
		return nil, answer("open "+path, err)
	}
	return openTransfer(ctx, path, prepareTarget,
		"synchronous(NORMAL)",       // a power cut may take the last batches, which are then copied again
		"wal_autocheckpoint(16384)", // in pages: every 64 MiB
		"foreign_keys(1)",
	)
}

// cacheSize is in KiB. Ids are random, so that rows in their order are all over the file.
const cacheSize = `PRAGMA cache_size = -131072`

// openTransfer opens the only connection to a file. Everybody who has a file in WAL mode open holds a lock that excludes
// the one taken here, so that it finds any server there is. The driver sorts pragmas by name, and none before locking_mode
// may read the file.
func openTransfer(
	ctx context.Context, path string, prepare func(*session) error, pragmas ...string,
) (*Transfer, error) {
	pragmas = append([]string{busy(patience), "locking_mode(EXCLUSIVE)", "temp_store(MEMORY)"}, pragmas...)
	session, err := openSession(ctx, uri(path, url.Values{"mode": {"rw"}, "_pragma": pragmas}))
	if err == nil {
		if err = prepare(session); err == nil {
			err = session.run(cacheSize) // which also locks a connection that prepare has not used
		}
		if err == nil {
			return &Transfer{session: session}, nil
		}
		err = errors.Join(err, session.close())
	}
	switch {
	case isBusy(err):
		return nil, fmt.Errorf("sqlite: %s: %w", path, transfer.ErrInUse)
	case errors.Is(err, ErrNewerSchema):
		return nil, err
	default:
		return nil, answer("open "+path, err)
	}
}

// requireSchema refuses a file that is not a database of just this version.
func requireSchema(s *session) error {
	problems, err := strangeSchema(func(field any, query string) error { return s.row([]any{field}, query) })
	if err == nil && len(problems) > 0 {
		err = errors.New(strings.Join(problems, " "))
	}
	return err
}

// prepareTarget enters WAL mode once the file is locked.
func prepareTarget(s *session) error {
	if err := s.run(`PRAGMA journal_mode = WAL`); err != nil {
		return err
	}
	return upgrade(s)
}

// Close lets others in again.
func (t *Transfer) Close() error { return answer("close", t.session.close()) }

// Size returns the bytes of the file.
func (t *Transfer) Size(context.Context) (size int64, err error) {
	err = t.session.row([]any{&size}, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`)
	return size, answer("measure", err)
}
