package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/gatehouse-auth/gatehouse/server/storage/postgres"
)

// runStoreMigrate changes the schema of a PostgreSQL database: up for operators whose servers may not create tables, down
// for those who go back to an older binary.
func runStoreMigrate(ctx context.Context, term terminal, args []string) error {
	var flags adminFlags
	set := flag.NewFlagSet("gatehouse store migrate", flag.ContinueOnError)
	set.SetOutput(term.Err)
	set.BoolVar(&flags.yes, "yes", false, "down: do not ask before data is dropped")
	settings := defineSettings(set)
	rest, err := parseMixed(set, args)
	if err != nil {
		return err
	}
	cfg, err := settings.load(nil)
	if err != nil {
		return err
	}
	direction := postgres.Up
	switch {
	case len(rest) == 1 && rest[0] == "down":
		direction = postgres.Down
	case len(rest) > 0:
		return fmt.Errorf("%w: store migrate [down]", errUsage)
	}
	url, isDatabase := cfg.Postgres()
	if !isDatabase {
		return errors.New("the store is a file: it is migrated when the server starts, and only a backup leads back")
	}
	if direction == postgres.Down {
		const question = "Undo the newest migration? What it made is dropped, with the data in it."
		if err := consoleOf(term, flags).Confirm(ctx, question); err != nil {
			return err
		}
	}
	version, err := postgres.Migrate(ctx, url, direction)
	if err != nil {
		return err
	}
	fmt.Fprintf(term.Out, "The schema is version %d.\n", version)
	return nil
}
