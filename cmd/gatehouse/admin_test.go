package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/tour"
)

// operator runs commands against a server that a login has just gone through.
type operator struct {
	t    *testing.T
	ctx  context.Context //nolint:containedctx // that of the visit
	grpc string
	dir  string
}

// run runs a command with the settings of the server, and returns what it printed.
func (o operator) run(args ...string) (string, int) {
	o.t.Helper()
	o.t.Setenv("GATEHOUSE_GRPC_ADDR", o.grpc)
	o.t.Setenv("GATEHOUSE_DATA_DIR", o.dir)
	var out bytes.Buffer
	code := run(o.ctx, args, terminal{In: strings.NewReader(""), Out: &out, Err: &out})
	return out.String(), code
}

// must runs a command that succeeds.
func (o operator) must(args ...string) string {
	o.t.Helper()
	out, code := o.run(args...)
	if code != exitOK {
		o.t.Errorf("%v: exit code %d\n%s", args, code, out)
	}
	return out
}

// visit starts a server, walks a login through it, and lets an operator work.
func visit(t *testing.T, work func(operator)) {
	t.Helper()
	cfg, err := tourConfig(t.Context(), terminal{Err: os.Stderr}, nil, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	err = visitLocal(t.Context(), cfg, newLogger(cfg, os.Stderr), func(ctx context.Context) error {
		if err := tour.Walk(ctx, tourTarget(cfg), io.Discard); err != nil {
			return err
		}
		work(operator{t: t, ctx: ctx, grpc: cfg.GRPCAddr, dir: cfg.DataDir})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOperatorSeesClientsAndGrants(t *testing.T) {
	visit(t, func(o operator) {
		if out := o.must("clients", "list"); !strings.Contains(out, "gatehouse tour") || !strings.Contains(out, "dynamic") {
			t.Errorf("clients:\n%s", out)
		}
		if out := o.must("grants", "list"); !strings.Contains(out, "none") {
			t.Errorf("the tour's grant was revoked by a replay, and is live:\n%s", out)
		}
		if out := o.must("grants", "list", "--ended"); !strings.Contains(out, "alice@example.com") || !strings.Contains(out, "code_replay") {
			t.Errorf("grants:\n%s", out)
		}
		var answer struct{ Grants []struct{ Grant_id string } } //nolint:revive,staticcheck // as the answer spells it
		if err := json.Unmarshal([]byte(o.must("grants", "list", "--ended", "--json")), &answer); err != nil || len(answer.Grants) != 1 {
			t.Fatalf("answer = %+v, %v", answer, err)
		}
		if out := o.must("grants", "show", answer.Grants[0].Grant_id); !strings.Contains(out, "alice@example.com") {
			t.Errorf("grant:\n%s", out)
		}
	})
}

func TestOperatorChangesThings(t *testing.T) {
	visit(t, func(o operator) {
		created := o.must("clients", "create", "--name", "Reports", "--json", "https://reports.example.com/cb")
		var answer struct {
			Client struct {
				ID string `json:"client_id"`
			} `json:"client"`
			Secret string `json:"client_secret"`
		}
		if err := json.Unmarshal([]byte(created), &answer); err != nil || answer.Client.ID == "" || answer.Secret == "" {
			t.Fatalf("created = %s, %v", created, err)
		}
		if out, code := o.run("clients", "delete", answer.Client.ID); code != exitFailure || !strings.Contains(out, "--yes") {
			t.Errorf("deleted without a question: %d\n%s", code, out)
		}
		o.must("clients", "show", answer.Client.ID)
		o.must("clients", "delete", answer.Client.ID, "--yes")
		if out, code := o.run("clients", "show", answer.Client.ID); code != exitFailure || !strings.Contains(out, "no such client") {
			t.Errorf("after deleting: %d\n%s", code, out)
		}
		o.must("keys", "rotate")
		if out := o.must("keys", "list"); !strings.Contains(out, "prepared") || !strings.Contains(out, "active") {
			t.Errorf("keys:\n%s", out)
		}
		if out := o.must("sealing", "status"); !strings.Contains(out, "  0") {
			t.Errorf("sealing:\n%s", out)
		}
		if out := o.must("store", "check"); !strings.Contains(out, "is sound") {
			t.Errorf("check:\n%s", out)
		}
		backup := filepath.Join(o.dir, "backup.db")
		o.must("store", "backup", backup)
		if out, code := o.run("store", "backup", backup); code != exitFailure || !strings.Contains(out, "name another file") {
			t.Errorf("a backup onto another: %d\n%s", code, out)
		}
	})
}

func TestOperatorIsToldWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	o := operator{t: t, ctx: t.Context(), grpc: "127.0.0.1:1", dir: dir}
	if out, code := o.run("keys", "list"); code != exitFailure || !strings.Contains(out, "admin token") {
		t.Errorf("no token: %d\n%s", code, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "admin.token"), []byte("gha_not-the-token-of-any-server-here"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := o.run("keys", "list"); code != exitFailure || !strings.Contains(out, "gatehouse serve") {
		t.Errorf("no server: %d\n%s", code, out)
	}
	for _, args := range [][]string{
		{"keys", "burn"},
		{"keys", "list", "--grant", "a"},
		{"grants", "list", "--grant", "a"},
		{"grants", "revoke"},
		{"grants", "revoke", "--grant", "a", "--client", "b"},
		{"clients", "show"},
		{"clients", "show", "a", "b"},
		{"store"},
	} {
		if out, code := o.run(args...); code != exitUsage {
			t.Errorf("%v: %d\n%s", args, code, out)
		}
	}
}

func TestOperatorWithTheTokenOfAnotherServerIsRefused(t *testing.T) {
	visit(t, func(o operator) {
		o.dir = t.TempDir()
		if err := os.WriteFile(filepath.Join(o.dir, "admin.token"), []byte("gha_not-the-token-of-this-server"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, code := o.run("grants", "list"); code != exitFailure || !strings.Contains(out, "refuses the admin token") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
}

func TestOperatorNamesTheServerByFlags(t *testing.T) {
	visit(t, func(o operator) {
		elsewhere := operator{t: t, ctx: o.ctx, grpc: "127.0.0.1:1", dir: t.TempDir()}
		if out := elsewhere.must("clients", "list", "--core-addr", o.grpc, "--data-dir", o.dir); !strings.Contains(out, "gatehouse tour") {
			t.Errorf("clients:\n%s", out)
		}
	})
}

func TestNobodySitsAtAFileOrTheNullDevice(t *testing.T) {
	for _, path := range []string{os.DevNull, filepath.Join(t.TempDir(), "file")} {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if isInteractive(file) {
			t.Errorf("%s is asked", path)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	if isInteractive(strings.NewReader("y\n")) {
		t.Error("a reader is asked")
	}
}

// TestTheAdminTokenGoesNowhereInTheClear: also where the address of the core is that of the listener.
func TestTheAdminTokenGoesNowhereInTheClear(t *testing.T) {
	printed, code := shell(t, t.TempDir(), "clients", "list",
		"--grpc-addr", "0.0.0.0:9090", "--grpc-tls-cert", "cert.pem", "--grpc-tls-key", "key.pem")
	if code != exitFailure {
		t.Errorf("exit code %d", code)
	}
	wantPrinted(t, printed, "set GATEHOUSE_GRPC_TLS_CA")
}
