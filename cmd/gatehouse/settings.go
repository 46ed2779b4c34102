package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/gatehouse-auth/gatehouse/server/config"
)

// dotEnvFile is read from the working directory when it is there.
const dotEnvFile = ".env"

// loadConfig reads the settings of a command from all sources, and returns the arguments that are left. Values given
// as presets are weaker than everything but the defaults.
func loadConfig(name string, term terminal, args []string, presets map[string]string) (*config.Config, []string, error) {
	set := flag.NewFlagSet("gatehouse "+name, flag.ContinueOnError)
	set.SetOutput(term.Err)
	file := set.String("config", os.Getenv("GATEHOUSE_CONFIG"), "YAML `file` of settings")
	values := make(map[string]*string)
	for _, setting := range config.Table() {
		values[setting.Flag()] = set.String(setting.Flag(), "", setting.Doc+" ("+setting.Env+")")
	}
	if err := set.Parse(args); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errReported, err)
	}
	flags := make(map[string]string)
	set.Visit(func(f *flag.Flag) {
		if value, ok := values[f.Name]; ok {
			flags[f.Name] = *value
		}
	})
	cfg, err := config.Load(config.Sources{
		File:    *file,
		DotEnv:  dotEnvFile,
		Environ: os.Environ(),
		Flags:   flags,
		Presets: presets,
	})
	return cfg, set.Args(), err
}

func isSet(env string) bool {
	_, ok := os.LookupEnv(env)
	return ok
}
