package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
)

// storeUsage is what "gatehouse store" understands.
const storeUsage = "store check | backup FILE | copy --from URL --to URL | migrate [down]"

// runStore looks after a store: check and backup after one that is a file, migrate after a database, copy after any two.
func runStore(ctx context.Context, term terminal, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: %s", errUsage, storeUsage)
	}
	verb := args[0]
	switch verb {
	case "copy":
		return runStoreCopy(ctx, term, args[1:])
	case "seed":
		return runStoreSeed(ctx, term, args[1:])
	case "migrate":
		return runStoreMigrate(ctx, term, args[1:])
	}
	cfg, rest, err := loadConfig("store "+verb, term, args[1:], nil)
	if err != nil {
		return err
	}
	if _, isDatabase := cfg.Postgres(); isDatabase {
		return errors.New("the store is a PostgreSQL database: use its own tools (pg_dump, pg_basebackup)")
	}
	switch {
	case verb == "check" && len(rest) == 0:
		problems, err := sqlite.Check(ctx, cfg.SQLitePath())
		if err != nil {
			return err
		}
		for _, problem := range problems {
			fmt.Fprintln(term.Out, problem)
		}
		if len(problems) > 0 {
			return fmt.Errorf("%s is not sound: problems: %d", cfg.SQLitePath(), len(problems))
		}
		fmt.Fprintln(term.Out, cfg.SQLitePath(), "is sound")
		return nil
	case verb == "backup" && len(rest) == 1:
		err := sqlite.Backup(ctx, cfg.SQLitePath(), rest[0])
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already, and a backup overwrites nothing: name another file", rest[0])
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(term.Out, "backed up to", rest[0], "- keep the sealing key apart from it")
		return nil
	}
	return fmt.Errorf("%w: %s", errUsage, storeUsage)
}
