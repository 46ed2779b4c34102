package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/seed"
	"github.com/gatehouse-auth/gatehouse/server"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/credential"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
)

// runStoreSeed fills the configured store for measurements. The usage does not name it: it is for those who work on this
// program.
func runStoreSeed(ctx context.Context, term terminal, args []string) error {
	set := flag.NewFlagSet("gatehouse store seed", flag.ContinueOnError)
	set.SetOutput(term.Err)
	grants := set.Int("grants", 0, "`number` of live grants")
	users := set.Int("users", 0, "`number` of users; one for every two grants when left out")
	clients := set.Int("clients", 0, "`number` of clients; one for every two grants when left out")
	force := set.Bool("force", false, "add to a store that has grants already")
	rest, err := parseMixed(set, args)
	if err != nil {
		return err
	}
	if *grants < 1 || *users < 0 || *clients < 0 || len(rest) > 0 {
		return fmt.Errorf("%w: store seed --grants NUMBER [--users NUMBER] [--clients NUMBER] [--force]", errUsage)
	}
	cfg, _, err := loadConfig("store seed", term, nil, nil)
	if err != nil {
		return err
	}
	half := (*grants + 1) / 2
	population := seed.Population{Grants: *grants, Users: *users, Clients: *clients}
	if population.Users == 0 {
		population.Users = half
	}
	if population.Clients == 0 {
		population.Clients = half
	}
	return seedStore(ctx, term, cfg, population, *force)
}

func seedStore(ctx context.Context, term terminal, cfg *config.Config, p seed.Population, force bool) (err error) {
	sealer, err := server.OpenSealer(cfg)
	if err != nil {
		return err
	}
	url, isDatabase := cfg.Postgres()
	if !isDatabase {
		url = "sqlite:" + cfg.SQLitePath()
	}
	store, err := openStore(ctx, url, opening{sqlite.OpenForImport, postgres.OpenForImport})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	before, err := store.Size(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	err = seed.Fill(ctx, seed.Deps{
		Store: store, Vault: credential.NewVault(sealer), Random: secret.NewSource(nil), Now: begun.UTC(),
		Resource: cfg.Resource(), Scopes: strings.Fields(cfg.Scopes.String()),
		Lifetimes: seed.Lifetimes{Grant: cfg.GrantTTL, RefreshIdle: cfg.RefreshIdleTTL},
	}, p, force)
	if err != nil {
		return err
	}
	after, err := store.Size(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(term.Out, "%d grants, %d users, %d clients in %s: %d bytes, %d for each grant\n",
		p.Grants, p.Users, p.Clients, time.Since(begun).Round(time.Millisecond), after-before, (after-before)/int64(p.Grants))
	return nil
}
