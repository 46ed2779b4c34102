package main

import (
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
)

// A key that was stolen is removed by its id, and one id in 64 begins with a dash.
func TestKeyIDIsNoFlag(t *testing.T) {
	const id = "-g5hFUcy5q4P0sjM1mRxoQsRRhC5sDfYXKI5045L_8Q"
	for _, test := range []struct {
		args, rest string
		yes        bool
		token      string
	}{
		{args: "remove " + id, rest: "remove " + id},
		{args: "remove " + id + " --yes", rest: "remove " + id, yes: true},
		{args: "remove --yes " + id, rest: "remove " + id, yes: true},
		{args: "--yes remove -- " + id, rest: "remove " + id, yes: true},
		{args: "remove " + id[1:] + "A -yes", rest: "remove " + id[1:] + "A", yes: true},
		{args: "list --token " + id, rest: "list", token: id},
		{args: "list --token=" + id + " --yes", rest: "list", yes: true, token: id},
		{args: "--token x remove --yes " + id, rest: "remove " + id, yes: true, token: "x"},
	} {
		t.Run(test.args, func(t *testing.T) {
			set := flag.NewFlagSet("", flag.ContinueOnError)
			set.SetOutput(io.Discard)
			yes, token := set.Bool("yes", false, ""), set.String("token", "", "")
			rest, err := parseMixed(set, strings.Fields(test.args))
			if err != nil || !slices.Equal(rest, strings.Fields(test.rest)) || *yes != test.yes || *token != test.token {
				t.Errorf("rest = %q, yes = %t, token = %q, %v", rest, *yes, *token, err)
			}
		})
	}
}

func TestUnknownFlagIsNoArgument(t *testing.T) {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	if rest, err := parseMixed(set, []string{"remove", "-g5hFU"}); err == nil {
		t.Errorf("rest = %q", rest)
	}
}

// A flag behind an argument would be left out of what "gatehouse config" calls effective.
func TestConfigTakesNoArgument(t *testing.T) {
	printed, code := shell(t, t.TempDir(), "config", "show", "--http-addr", "127.0.0.1:1")
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	wantPrinted(t, printed, `unexpected argument "show"`)
}
