package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/connect"
)

func runConnect(ctx context.Context, term terminal, args []string) error {
	options := connect.Options{Version: version}
	set := flag.NewFlagSet("gatehouse connect", flag.ContinueOnError)
	set.SetOutput(term.Err)
	printOnly := set.Bool("no-browser", false, "print the address of the login and open no browser (BROWSER names another one)")
	set.StringVar(&options.Name, "name", "world", "who the sample tool greets")
	set.DurationVar(&options.Timeout, "timeout", 5*time.Minute, "how long to wait for the login")
	urls, err := parseMixed(set, args)
	if err != nil {
		return err
	}
	switch len(urls) {
	case 0:
		cfg, _, err := loadConfig("connect", terminal{Err: io.Discard}, nil, nil)
		if err != nil {
			return fmt.Errorf("which server? name its URL, or mend the settings: %w", err)
		}
		options.URL = cfg.Resource()
	case 1:
		options.URL = urls[0]
	default:
		return fmt.Errorf("%w: unexpected argument %q", errUsage, urls[1])
	}
	if !*printOnly {
		options.Browse = connect.Browser{Command: os.Getenv("BROWSER"), OS: runtime.GOOS}.Browse
	}
	return connect.Run(ctx, term.Out, options)
}
