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
	settings := defineSettings(set)
	if err := set.Parse(args); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errReported, err)
	}
	cfg, err := settings.load(presets)
	return cfg, set.Args(), err
}

// settingFlags are the flags of the settings in a flag set, which may have others beside.
type settingFlags struct {
	set    *flag.FlagSet
	file   *string
	values map[string]*string
}

func defineSettings(set *flag.FlagSet) settingFlags {
	s := settingFlags{
		set:    set,
		file:   set.String("config", os.Getenv("GATEHOUSE_CONFIG"), "YAML `file` of settings"),
		values: make(map[string]*string),
	}
	for _, setting := range config.Table() {
		s.values[setting.Flag()] = set.String(setting.Flag(), "", setting.Doc+" ("+setting.Env+")")
	}
	return s
}

// load reads the settings from all sources, once the flags are parsed.
func (s settingFlags) load(presets map[string]string) (*config.Config, error) {
	flags := make(map[string]string)
	s.set.Visit(func(f *flag.Flag) {
		if value, ok := s.values[f.Name]; ok {
			flags[f.Name] = *value
		}
	})
	return config.Load(config.Sources{
		File:    *s.file,
		DotEnv:  dotEnvFile,
		Environ: os.Environ(),
		Flags:   flags,
		Presets: presets,
	})
}

func isSet(env string) bool {
	_, ok := os.LookupEnv(env)
	return ok
}
