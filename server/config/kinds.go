package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// redacted stands for a secret that is set.
const redacted = "(set, not shown)"

func text(env, value, group, doc string, field func(*Config) *string) Setting {
	return Setting{
		Env: env, Default: value, Group: group, Doc: doc,
		set: func(c *Config, v string) error { *field(c) = v; return nil },
		get: func(c *Config) string { return *field(c) },
	}
}

// choice takes the first value as its default.
func choice(env string, values []string, group, doc string, field func(*Config) *string) Setting {
	s := text(env, values[0], group, doc+" One of "+strings.Join(values, ", ")+".", field)
	s.set = func(c *Config, v string) error {
		if !slices.Contains(values, v) {
			return fmt.Errorf("must be one of %s", strings.Join(values, ", "))
		}
		*field(c) = v
		return nil
	}
	return s
}

func list(env, value, group, doc string, field func(*Config) *[]string) Setting {
	return Setting{
		Env: env, Default: value, Group: group, Doc: doc,
		set: func(c *Config, v string) error { *field(c) = strings.Fields(v); return nil },
		get: func(c *Config) string { return strings.Join(*field(c), " ") },
	}
}

func duration(env, value, group, doc string, field func(*Config) *time.Duration) Setting {
	return Setting{
		Env: env, Default: value, Group: group, Doc: doc,
		set: func(c *Config, v string) error {
			d, err := time.ParseDuration(v)
			if err != nil || d < time.Second {
				return fmt.Errorf("must be a duration of at least 1s, for example 90s, 15m or 1h")
			}
			*field(c) = d
			return nil
		},
		get: func(c *Config) string { return field(c).String() },
	}
}

func number(env, value, group, doc string, field func(*Config) *int) Setting {
	return Setting{
		Env: env, Default: value, Group: group, Doc: doc,
		set: func(c *Config, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 {
				return fmt.Errorf("must be a number of at least 1")
			}
			*field(c) = n
			return nil
		},
		get: func(c *Config) string { return strconv.Itoa(*field(c)) },
	}
}

func hidden(env, group, doc string, field func(*Config) *secret.Text) Setting {
	return Setting{
		Env: env, Group: group, Doc: doc, Secret: true,
		set: func(c *Config, v string) error { *field(c) = secret.NewText(v); return nil },
		get: func(c *Config) string {
			if field(c).IsEmpty() {
				return ""
			}
			return redacted
		},
	}
}

func signingAlgorithms() []string { return keyring.Algorithms() }

func defaultSchemes() []string { return oauth.DefaultPrivateUseSchemes() }
