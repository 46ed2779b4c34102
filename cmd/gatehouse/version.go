package main

import (
	"context"
	"fmt"
	"runtime/debug"
)

// version is set by release builds with -ldflags "-X main.version=...".
var version = "development"

func runVersion(_ context.Context, term terminal, _ []string) error {
	fmt.Fprintln(term.Out, "gatehouse", version)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	fmt.Fprintln(term.Out, info.GoVersion)
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" || setting.Key == "vcs.modified" {
			fmt.Fprintln(term.Out, setting.Key, setting.Value)
		}
	}
	return nil
}

func runConfig(_ context.Context, term terminal, args []string) error {
	cfg, rest, err := loadConfig("config", term, args, nil)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: unexpected argument %q", errUsage, rest[0])
	}
	for _, line := range cfg.Effective() {
		fmt.Fprintln(term.Out, line)
	}
	return nil
}
