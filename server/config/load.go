package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Sources is where settings come from. Later fields win.
type Sources struct {
	// File is a YAML file of keys and values; empty for none.
	File string
	// DotEnv is a file of environment variables; it may be missing.
	DotEnv string
	// Environ is the environment, as os.Environ gives it.
	Environ []string
	// Flags are values from the command line, by flag name.
	Flags map[string]string
	// Presets are values by environment variable that a command prefers to the defaults. Everything else is stronger.
	Presets map[string]string
}

// Problem is one thing that is wrong with the settings.
type Problem struct {
	Key     string
	Message string
}

// Problems is everything that is wrong with the settings, reported at once.
type Problems []Problem

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, 0, len(p)+1)
	lines = append(lines, "the configuration has problems:")
	for _, problem := range p {
		lines = append(lines, "  "+problem.Key+": "+problem.Message)
	}
	return strings.Join(lines, "\n")
}

// Load reads, parses and validates the settings. Its error is Problems, or a file that cannot be read.
func Load(sources Sources) (*Config, error) {
	values, err := collect(sources)
	if err != nil {
		return nil, err
	}
	config := &Config{sources: make(map[string]string)}
	var problems Problems
	for _, setting := range Table() {
		value, source := values.of(setting)
		if setting.Secret && value == "" {
			if value, source, err = values.fromFile(setting); err != nil {
				problems = append(problems, Problem{setting.Env + "_FILE", err.Error()})
				continue
			}
		}
		if value == "" {
			value, source = setting.Default, "default"
		}
		if value == "" {
			continue
		}
		if err := setting.set(config, value); err != nil {
			problems = append(problems, Problem{setting.Env, err.Error()})
		}
		config.sources[setting.Env] = source
	}
	problems = append(problems, values.unknown()...)
	problems = append(problems, config.complete()...)
	if len(problems) > 0 {
		return nil, problems
	}
	return config, nil
}

// Effective lists the settings with where each came from. Secrets are redacted.
func (c *Config) Effective() []string {
	var lines []string
	for _, setting := range Table() {
		source := c.sources[setting.Env]
		if source == "" {
			source = "not set"
		}
		lines = append(lines, fmt.Sprintf("%s=%s  # %s", setting.Env, setting.get(c), source))
	}
	return lines
}

// layer is one source.
type layer struct {
	name   string
	values map[string]string
}

// layers are the sources by environment variable, the strongest first.
type layers []layer

func (l layers) of(s Setting) (value, source string) {
	for _, layer := range l {
		if v := layer.values[s.Env]; v != "" {
			return v, layer.name
		}
	}
	return "", ""
}

// fromFile reads a secret from the file that the variable with _FILE names.
func (l layers) fromFile(s Setting) (value, source string, err error) {
	path, source := l.of(Setting{Env: s.Env + "_FILE"})
	if path == "" {
		return "", "", nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	return strings.TrimSpace(string(content)), source + ", file", nil
}

// unknown reports variables with our prefix, and keys and flags, that mean nothing: a misspelt setting is silent
// otherwise.
func (l layers) unknown() Problems {
	known := make(map[string]bool)
	for _, s := range Table() {
		known[s.Env] = true
		if s.Secret {
			known[s.Env+"_FILE"] = true
		}
	}
	var problems Problems
	for _, layer := range l {
		for _, env := range slices.Sorted(maps.Keys(layer.values)) {
			ours := strings.HasPrefix(env, envPrefix) || layer.name == "flag" || layer.name == "file"
			if ours && !known[env] && !strings.HasPrefix(env, envPrefix+"E2E_") {
				problems = append(problems, Problem{env, "is not a setting (from " + layer.name + ")"})
			}
		}
	}
	return problems
}

func collect(sources Sources) (layers, error) {
	file, err := readFile(sources.File)
	if err != nil {
		return nil, err
	}
	dotEnv, err := readDotEnv(sources.DotEnv)
	if err != nil {
		return nil, err
	}
	return layers{
		{"flag", byEnv(sources.Flags)},
		{"environment", parseEnviron(sources.Environ)},
		{"dotenv file", dotEnv},
		{"file", file},
		{"command", sources.Presets},
	}, nil
}

// byEnv renames flags or keys to environment variables.
func byEnv(values map[string]string) map[string]string {
	names := make(map[string]string)
	for _, s := range Table() {
		names[s.Key()], names[s.Flag()] = s.Env, s.Env
		if s.Secret {
			names[s.Key()+"_file"], names[s.Flag()+"-file"] = s.Env+"_FILE", s.Env+"_FILE"
		}
	}
	renamed := make(map[string]string, len(values))
	for name, value := range values {
		env, ok := names[name]
		if !ok {
			env = name
		}
		renamed[env] = value
	}
	return renamed
}

func parseEnviron(environ []string) map[string]string {
	values := make(map[string]string, len(environ))
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok {
			values[name] = value
		}
	}
	return values
}

// readFile reads flat YAML: scalars, and lists of scalars.
func readFile(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	var raw map[string]any
	if err := yaml.Unmarshal(content, &raw); err != nil {
		return nil, fmt.Errorf("config: %s: %w", path, err)
	}
	values := make(map[string]string, len(raw))
	for key, value := range raw {
		if items, ok := value.([]any); ok {
			words := make([]string, len(items))
			for i, item := range items {
				words[i] = fmt.Sprint(item)
			}
			values[key] = strings.Join(words, " ")
			continue
		}
		values[key] = fmt.Sprint(value)
	}
	return byEnv(values), nil
}

// readDotEnv reads NAME=VALUE lines. Comments, blank lines, "export " and matching quotes are understood; nothing is
// expanded.
func readDotEnv(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	values := make(map[string]string)
	for number, line := range strings.Split(string(content), "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("config: %s line %d: not NAME=VALUE", path, number+1)
		}
		values[strings.TrimSpace(name)] = unquote(strings.TrimSpace(value))
	}
	return values, nil
}

func unquote(value string) string {
	if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		return value[1 : len(value)-1]
	}
	return value
}
