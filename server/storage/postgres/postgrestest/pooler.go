package postgrestest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// poolerConfig is as strict as PgBouncer can be: each transaction may get another connection of the server, of which
// there are few, and a parameter at the start of a connection is an error.
const poolerConfig = `[databases]
* = host=%[1]s user=gatehouse

[pgbouncer]
listen_addr =
unix_socket_dir = %[1]s
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = 5
server_round_robin = 1
`

// Pooler is a PgBouncer in transaction mode in front of a server.
type Pooler struct{ directory string }

// StartPooler starts a pooler for a test, which is skipped when there is no PgBouncer to start.
func (s *Server) StartPooler(t testing.TB) *Pooler {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		need(t, fmt.Errorf("PgBouncer is %w: apt-get install pgbouncer", errMissing))
	}
	config := filepath.Join(s.directory, "pgbouncer.ini")
	if err := os.WriteFile(config, fmt.Appendf(nil, poolerConfig, s.directory), 0o644); err != nil { //nolint:gosec // others read it
		t.Fatal(err)
	}
	command := s.account.command(context.WithoutCancel(t.Context()), s.directory, program, "--quiet", config)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
	p := &Pooler{s.directory}
	p.wait(t)
	return p
}

// URL returns the address of a database through the pooler, without what the pooler asks of a client.
func (p *Pooler) URL(database string) string {
	return "postgres:///" + database + "?" + url.Values{
		"host": {p.directory}, "port": {"6432"}, "user": {"gatehouse"},
	}.Encode()
}

// wait tries until the pooler answers.
func (p *Pooler) wait(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := pgx.Connect(ctx, p.URL("postgres"))
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("PgBouncer does not answer: %v", err)
		}
	}
}
