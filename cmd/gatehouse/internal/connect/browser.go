package connect

import (
	"context"
	"errors"
	"os/exec"
	"strings"
)

// Browser starts a browser.
type Browser struct {
	// Command is the value of the environment variable BROWSER: commands separated as in PATH, of which the first that
	// can be started is used. %s in one stands for the address; without it the address comes last. May be empty.
	Command string
	// OS is the operating system, by its name in runtime.GOOS.
	OS string
}

// Browse opens an address and does not wait for the user to close it again.
func (b Browser) Browse(ctx context.Context, address string) error {
	var problems []error
	for _, command := range b.commands(address) {
		// The browser is the user's: it stays open when this program ends.
		//nolint:gosec // users name their own browser
		process := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...)
		if err := process.Start(); err != nil {
			problems = append(problems, err)
			continue
		}
		return process.Process.Release()
	}
	return errors.Join(problems...)
}

// commands returns what to try. No shell takes part, so the address cannot become a command.
func (b Browser) commands(address string) [][]string {
	separator := ":"
	if b.OS == "windows" {
		separator = ";"
	}
	var commands [][]string
	for choice := range strings.SplitSeq(b.Command, separator) {
		words := strings.Fields(choice)
		if len(words) == 0 {
			continue
		}
		if !strings.Contains(choice, "%s") {
			words = append(words, "%s")
		}
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "%s", address)
		}
		commands = append(commands, words)
	}
	switch {
	case len(commands) > 0:
		return commands
	case b.OS == "darwin":
		return [][]string{{"open", address}}
	case b.OS == "windows":
		return [][]string{{"rundll32", "url.dll,FileProtocolHandler", address}}
	default:
		return [][]string{{"xdg-open", address}}
	}
}
