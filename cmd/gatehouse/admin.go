package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/admin"
	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/node"
	"github.com/gatehouse-auth/gatehouse/server/config"
)

// adminFlags are the flags of the commands for operators, beside those of the settings.
type adminFlags struct {
	json, yes, ended, now  bool
	grant, client, subject string
	name, method           string
}

// define defines those of a noun.
func (f *adminFlags) define(set *flag.FlagSet, noun string) {
	set.BoolVar(&f.json, "json", false, "print JSON")
	set.BoolVar(&f.yes, "yes", false, "do not ask before something ends")
	switch noun {
	case "clients":
		set.StringVar(&f.name, "name", "", "create: `name` of the client")
		set.StringVar(&f.method, "method", "client_secret_basic", "create: authentication `method`")
	case "grants":
		set.StringVar(&f.grant, "grant", "", "revoke: `id` of the grant")
		set.StringVar(&f.client, "client", "", "list, revoke: `id` of a client")
		set.StringVar(&f.subject, "subject", "", "list, revoke: `sub` of a user")
		set.BoolVar(&f.ended, "ended", false, "list: ended ones too")
	case "keys":
		set.BoolVar(&f.now, "now", false, "rotate: sign at once, without publishing first")
	}
}

// runAdmin returns the command for a noun, whose first argument is the verb.
func runAdmin(noun string) func(context.Context, terminal, []string) error {
	return func(ctx context.Context, term terminal, args []string) error {
		var flags adminFlags
		set := flag.NewFlagSet("gatehouse "+noun, flag.ContinueOnError)
		set.SetOutput(term.Err)
		flags.define(set, noun)
		settings := defineSettings(set)
		rest, err := parseMixed(set, args)
		if err != nil {
			return err
		}
		cfg, err := settings.load(nil)
		if err != nil {
			return err
		}
		return withAdmin(cfg, term, flags, func(a *admin.Admin) error { return dispatch(ctx, a, noun, rest, flags) })
	}
}

func withAdmin(cfg *config.Config, term terminal, flags adminFlags, run func(*admin.Admin) error) error {
	conn, err := node.Dial(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return run(admin.New(conn, consoleOf(term, flags)))
}

func consoleOf(term terminal, flags adminFlags) admin.Console {
	return admin.Console{
		In: term.In, Out: term.Out, Err: term.Err, JSON: flags.json, Yes: flags.yes, Interactive: isInteractive(term.In),
	}
}

func isInteractive(in io.Reader) bool {
	out, ok := in.(io.Writer)
	return ok && isTerminal(out)
}

// dispatch runs one verb.
func dispatch(ctx context.Context, a *admin.Admin, noun string, args []string, f adminFlags) error {
	verb := "list"
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	id := ""
	if len(args) == 1 {
		id = args[0]
	}
	switch command := noun + " " + verb; {
	case command == "clients list" && len(args) == 0:
		return a.ListClients(ctx)
	case command == "clients show" && id != "":
		return a.ShowClient(ctx, id)
	case command == "clients create" && len(args) > 0:
		return a.CreateClient(ctx, f.name, f.method, args)
	case command == "clients delete" && id != "":
		return a.DeleteClient(ctx, id)
	case command == "grants list" && len(args) == 0 && f.grant == "":
		return a.ListGrants(ctx, admin.GrantFilter{Client: f.client, Subject: f.subject, Ended: f.ended})
	case command == "grants show" && id != "":
		return a.ShowGrant(ctx, id)
	case command == "grants revoke" && len(args) == 0 && exactlyOne(f.grant, f.client, f.subject):
		return a.RevokeGrants(ctx, admin.GrantFilter{Grant: f.grant, Client: f.client, Subject: f.subject})
	case command == "keys list" && len(args) == 0:
		return a.ListKeys(ctx)
	case command == "keys rotate" && len(args) == 0:
		return a.RotateKeys(ctx, f.now)
	case command == "keys remove" && id != "":
		return a.RemoveKey(ctx, id)
	case command == "sealing status" && len(args) == 0:
		return a.SealingStatus(ctx)
	}
	return fmt.Errorf("%w: %s", errUsage, verbs(noun))
}

func exactlyOne(values ...string) bool {
	given := 0
	for _, value := range values {
		if value != "" {
			given++
		}
	}
	return given == 1
}

// verbs is the usage of a noun.
func verbs(noun string) string {
	return map[string]string{
		"clients": "clients list | show ID | create [--name NAME] [--method METHOD] REDIRECT_URI... | delete ID",
		"grants":  "grants list [--client ID] [--subject SUB] [--ended] | show ID | revoke --grant ID | --client ID | --subject SUB",
		"keys":    "keys list | rotate [--now] | remove ID",
		"sealing": "sealing status",
	}[noun]
}
