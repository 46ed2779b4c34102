package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/tour"
)

// TestTour walks a whole login through a server that runs in this process.
func TestTour(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("MCP_SERVER_BASE_URL", "https://mcp.example.com") // of a deployment, which the tour leaves alone
	var out, log bytes.Buffer
	if err := runTour(t.Context(), terminal{Out: &out, Err: &log}, nil); err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), log.String())
	}
	if !strings.Contains(out.String(), "\nAll 17 steps held, in ") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("printed\n%s", out.String())
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
	if left, err := filepath.Glob(filepath.Join(temp, "gatehouse-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
}

// TestTourShowsAFailure lets a wrong password meet the login form.
func TestTourShowsAFailure(t *testing.T) {
	cfg, err := tourConfig(t.Context(), terminal{Err: os.Stderr}, nil, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	target := tourTarget(cfg)
	target.User.Password = "wrong"
	var out bytes.Buffer
	err = visitLocal(t.Context(), cfg, newLogger(cfg, os.Stderr), func(ctx context.Context) error {
		return tour.Walk(ctx, target, &out)
	})
	if err == nil || !strings.Contains(err.Error(), "did not hold: Log in") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(out.String(), "    came      401 ") {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestTourTakesSettings(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GATEHOUSE_HTTP_ADDR", "127.0.0.1:7777")
	cfg, err := tourConfig(t.Context(), terminal{Err: os.Stderr}, []string{"--data-dir", dir, "--scopes", "a b"}, "elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.BaseURL != "http://127.0.0.1:7777" || cfg.DataDir != dir || cfg.Scopes.String() != "a b" {
		t.Errorf("got %q, %q, %q", cfg.BaseURL, cfg.DataDir, cfg.Scopes)
	}
}

func TestTourStaysOnThisMachine(t *testing.T) {
	for name, value := range map[string]string{
		"GATEHOUSE_HTTP_ADDR":     "0.0.0.0:7777",
		"GATEHOUSE_GRPC_TLS_CERT": "cert.pem",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			_, err := tourConfig(t.Context(), terminal{Err: os.Stderr}, nil, t.TempDir())
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "the tour") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnInterruptedTourSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := writerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	})
	if err := runTour(ctx, terminal{Out: out, Err: os.Stderr}, nil); err == nil || err.Error() != "interrupted" {
		t.Errorf("got %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestTourSaysWhichAddressIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	t.Setenv("GATEHOUSE_GRPC_ADDR", taken.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = runTour(ctx, terminal{Out: new(bytes.Buffer), Err: os.Stderr}, nil)
	if err == nil || !strings.Contains(err.Error(), "GATEHOUSE_GRPC_ADDR") {
		t.Errorf("got %v", err)
	}
}
