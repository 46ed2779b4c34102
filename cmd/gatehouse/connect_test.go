package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// TestConnect logs in with a browser of its own, as people do.
func TestConnect(t *testing.T) {
	cfg, err := tourConfig(t.Context(), terminal{Err: os.Stderr}, nil, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("BROWSER", program)
	t.Setenv(standIn, "bob")
	var out bytes.Buffer
	err = visitLocal(t.Context(), cfg, newLogger(cfg, os.Stderr), func(ctx context.Context) error {
		return runConnect(ctx, terminal{Out: &out, Err: os.Stderr}, []string{cfg.Resource(), "--name", "Carol", "--timeout", "1m"})
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"Connecting to " + cfg.Resource(),
		cfg.BaseURL + "/authorize?",
		"\nTools\n  greet ",
		"\nResources\n  resource://profile ",
		"\nPrompts\n  ask_about_topic ",
		"Hello! Carol",
		"bob@example.com",
		"OAuth 2.1",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("printed %q, without %q", out.String(), want)
		}
	}
}

func TestConnectGoesToTheConfiguredServer(t *testing.T) {
	t.Setenv("GATEHOUSE_HTTP_ADDR", "127.0.0.1:1")
	t.Setenv("GATEHOUSE_RESOURCE_PATH", "/here")
	var out bytes.Buffer
	err := runConnect(t.Context(), terminal{Out: &out, Err: os.Stderr}, nil)
	if err == nil || !strings.Contains(err.Error(), "gatehouse dev") || !strings.Contains(out.String(), "http://127.0.0.1:1/here") {
		t.Errorf("printed %q, and %v", out.String(), err)
	}
}

func TestConnectRefusesArgumentsThatItDoesNotKnow(t *testing.T) {
	for name, args := range map[string][]string{
		"two URLs":      {"http://h/a", "http://h/b"},
		"a flag before": {"--nothing", "http://h/a"},
		"a flag after":  {"http://h/a", "--nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			term := terminal{Out: new(bytes.Buffer), Err: new(bytes.Buffer)}
			if code := run(context.Background(), append([]string{"connect"}, args...), term); code != exitUsage {
				t.Errorf("exit code %d", code)
			}
		})
	}
}
