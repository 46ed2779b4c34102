package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/node"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

func runServe(ctx context.Context, term terminal, args []string) error {
	var part string
	if len(args) > 0 && (args[0] == "core" || args[0] == "edge") {
		part, args = args[0], args[1:]
	}
	cfg, rest, err := loadConfig("serve", term, args, nil)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: unexpected argument %q", errUsage, rest[0])
	}
	logger := newLogger(cfg, term.Err)
	tuneCollector()
	options := node.Options{Config: cfg, Logger: logger, Version: version, Core: part != "edge", Edge: part != "core"}
	if options.Core {
		if options.Provider, err = keycloakProvider(cfg, logger); err != nil {
			return err
		}
	}
	return node.Run(ctx, options)
}

// keycloakProvider is the provider that the five variables describe.
func keycloakProvider(cfg *config.Config, logger *slog.Logger) (upstream.Provider, error) {
	if !cfg.HasProvider() {
		return nil, errors.New("no identity provider is configured: set KEYCLOAK_BASE_URL, KEYCLOAK_REALM, " +
			"KEYCLOAK_CLIENT_ID and KEYCLOAK_CLIENT_SECRET, or run gatehouse dev, which has one built in")
	}
	k := cfg.Keycloak
	oidc, err := upstream.KeycloakConfig(k.BaseURL, k.Realm, k.ClientID, k.ClientSecret, cfg.CallbackURL())
	if err != nil {
		return nil, err
	}
	oidc.DisplayName = cfg.ProviderName
	oidc.Scopes = cfg.LoginScopes
	oidc.AuthStyle = upstream.AuthStyle(cfg.AuthStyle)
	oidc.Now = time.Now
	oidc.Logger = logger
	return upstream.NewOIDC(oidc)
}

// memoryLimit is where the collector works harder, in bytes, unless GOMEMLIMIT says otherwise.
const memoryLimit = 512 << 20

// tuneCollector lets the heap grow further between collections: with the small heap of this server the default runs
// the collector all the time. Environment variables of the runtime win.
func tuneCollector() {
	if !isSet("GOGC") {
		debug.SetGCPercent(400)
	}
	if !isSet("GOMEMLIMIT") {
		debug.SetMemoryLimit(memoryLimit)
	}
}
