// Command gatehouse is the OAuth proxy between MCP clients and the identity provider that a company already runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}

// terminal is where a command reads and writes.
type terminal struct {
	In       io.Reader
	Out, Err io.Writer
}

// command is one subcommand.
type command struct {
	name, args, summary string
	run                 func(ctx context.Context, term terminal, args []string) error
}

func commands() []command {
	return []command{
		{"dev", "", "everything in one process, with a built-in identity provider", runDev},
		{"tour", "", "walk one complete login and print every step", runTour},
		{"serve", "[core|edge]", "run the server; core and edge apart when named", runServe},
		{"connect", "[URL]", "log in to an MCP server and show what it offers", runConnect},
		{"clients", "list|show|create|delete", "registered clients", runAdmin("clients")},
		{"grants", "list|show|revoke", "who is logged in, and ending it", runAdmin("grants")},
		{"keys", "list|rotate|remove", "signing keys", runAdmin("keys")},
		{"sealing", "status", "how far the re-sealing is", runAdmin("sealing")},
		{"store", "check|backup|copy|migrate", "look after a store, or move it to another", runStore},
		{"config", "", "print the effective settings, secrets redacted", runConfig},
		{"version", "", "print the version", runVersion},
	}
}

// Errors that are about the command line. flag.FlagSet has already printed what errReported stands for.
var (
	errUsage    = errors.New("see gatehouse help")
	errReported = errors.New("reported")
)

func run(ctx context.Context, args []string, term terminal) int {
	if len(args) == 0 {
		usage(term.Err)
		return exitUsage
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(term.Out)
		return exitOK
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		return report(term.Err, c.name, c.run(ctx, term, args[1:]))
	}
	fmt.Fprintf(term.Err, "gatehouse: unknown command %q\n\n", args[0])
	usage(term.Err)
	return exitUsage
}

// report prints an error once and returns the exit code.
func report(out io.Writer, name string, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errReported):
		return exitUsage
	}
	fmt.Fprintln(out, "gatehouse "+name+": "+err.Error())
	if errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitFailure
}

func usage(out io.Writer) {
	fmt.Fprintln(out, "Gatehouse gives any MCP server OAuth, backed by the identity provider that you already run.\n\nUsage:")
	for _, c := range commands() {
		fmt.Fprintf(out, "  gatehouse %-32s %s\n", c.name+" "+c.args, c.summary)
	}
	fmt.Fprintln(out, `
Every setting is an environment variable, a flag, and a key in a YAML file (--config FILE):
gatehouse config lists them, docs/configuration.md explains them.`)
}
