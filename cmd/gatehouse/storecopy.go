package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
)

// progressEvery is after how many rows of a table a copy says how far it is.
const progressEvery = 100_000

// wholeStore is a store that is open for a transfer.
type wholeStore interface {
	transfer.Target
	// Size returns its bytes on disk.
	Size(ctx context.Context) (int64, error)
	Close() error
}

// runStoreCopy moves everything from one store to another.
func runStoreCopy(ctx context.Context, term terminal, args []string) error {
	set := flag.NewFlagSet("gatehouse store copy", flag.ContinueOnError)
	set.SetOutput(term.Err)
	from := set.String("from", "", "`URL` of the store to read: sqlite:PATH or postgres://...")
	to := set.String("to", "", "`URL` of the store to fill, which is made when it is missing")
	rest, err := parseMixed(set, args)
	if err != nil {
		return err
	}
	if *from == "" || *to == "" || len(rest) > 0 {
		return fmt.Errorf("%w: store copy --from URL --to URL", errUsage)
	}
	fmt.Fprintln(term.Out, "No server may run on either store until this is done. When it is stopped, the same command goes on.")
	begun := time.Now()
	err = copyStore(ctx, term.Out, *from, *to)
	switch {
	case err == nil:
		fmt.Fprintf(term.Out, "Both stores hold the same. It took %s.\n", time.Since(begun).Round(time.Millisecond))
		fmt.Fprintln(term.Out, "Start the server on the target with the same sealing key.")
		return nil
	case errors.Is(err, context.Canceled):
		return errors.New("stopped")
	default:
		return err
	}
}

func copyStore(ctx context.Context, out io.Writer, from, to string) (err error) {
	source, err := openStore(ctx, from, opening{sqlite.OpenForExport, postgres.OpenForExport})
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer func() { _ = source.Close() }() // it was only read
	target, err := openStore(ctx, to, opening{sqlite.OpenForImport, postgres.OpenForImport})
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	return transfer.Copy(ctx, source, target, transfer.WithReport(func(p transfer.Progress) {
		switch {
		case p.Done:
			fmt.Fprintf(out, "%-18s %-9s %s\n", p.Table, p.Stage, p.Sum)
		case p.Sum.Rows%progressEvery == 0:
			fmt.Fprintf(out, "%-18s %d rows so far\n", p.Table, p.Sum.Rows)
		}
	}))
}

// opening is how a store of each backend is opened.
type opening struct {
	file     func(ctx context.Context, path string) (*sqlite.Transfer, error)
	database func(ctx context.Context, url string) (*postgres.Transfer, error)
}

// openStore opens the store at a URL as the setting GATEHOUSE_STORE_URL has it.
func openStore(ctx context.Context, url string, open opening) (wholeStore, error) {
	if problem := config.StoreURLProblem(url); problem != "" {
		return nil, fmt.Errorf("%w: the URL %s", errUsage, problem)
	}
	cfg := config.Config{StoreURL: url}
	if url, isDatabase := cfg.Postgres(); isDatabase {
		return open.database(ctx, url)
	}
	return open.file(ctx, cfg.SQLitePath())
}
