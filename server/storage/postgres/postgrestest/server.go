package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds what the tools of PostgreSQL may take.
const patience = time.Minute

// Server is a PostgreSQL that nobody else uses. It keeps its promises: fsync is on.
type Server struct {
	account   account
	binaries  string
	directory string
	names     atomic.Int64
}

// Launch makes and starts a server. Close ends it. Tests rather use Start; Launch is for TestMain.
func Launch() (*Server, error) {
	programs, err := binaries()
	if err != nil {
		return nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	directory, err := account.directory()
	if err != nil {
		return nil, err
	}
	s := &Server{account: account, binaries: programs, directory: directory}
	err = s.tool("initdb", "--pgdata", s.data(), "--username", "gatehouse", "--auth", "trust", "--encoding", "UTF8",
		"--locale", "C")
	if err == nil {
		err = s.control("start")
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	return s, nil
}

// Start is Launch for one test, which is skipped when there is no PostgreSQL to start.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := Launch()
	need(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Close stops the server and removes its data.
func (s *Server) Close() error {
	return errors.Join(s.control("stop", "--mode", "immediate"), os.RemoveAll(s.directory))
}

// Crash stops the server as a power cut would, as far as its processes go, and starts it again.
func (s *Server) Crash(t testing.TB) {
	t.Helper()
	if err := s.control("restart", "--mode", "immediate"); err != nil {
		t.Fatal(err)
	}
}

// Stop stops the server without waiting for its clients, who are told.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.control("stop", "--mode", "fast"); err != nil {
		t.Fatal(err)
	}
}

// Restart starts a server that was stopped.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.control("start"); err != nil {
		t.Fatal(err)
	}
}

// URL returns the address of a database.
func (s *Server) URL(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {s.directory}, "user": {"gatehouse"}}.Encode()
}

// Database makes an empty database for a test and returns its name.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := s.name()
	if err := s.run(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.run(context.WithoutCancel(t.Context()), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return name
}

// Schema makes an empty schema and returns an address under which nothing else is seen. That is several times faster
// than a database, and stays until the server ends.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	name := s.name()
	if err := s.run(t.Context(), "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	return s.URL("postgres") + "&search_path=" + name
}

func (s *Server) name() string { return "test" + strconv.FormatInt(s.names.Add(1), 10) }

// run executes a statement outside the databases of tests.
func (s *Server) run(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

func (s *Server) data() string { return filepath.Join(s.directory, "data") }

// control lets pg_ctl do something and waits until it is done. max_prepared_transactions and the like stay as they are:
// a store must get along with a server out of the box.
func (s *Server) control(action string, args ...string) error {
	args = append([]string{
		action, "--wait", "--silent", "--pgdata", s.data(),
	}, args...)
	if action != "stop" {
		args = append(args, "--log", filepath.Join(s.directory, "log"),
			"--options", "-c listen_addresses='' -c fsync=on -k "+s.directory)
	}
	return s.tool("pg_ctl", args...)
}

// tool runs one of PostgreSQL's programs.
func (s *Server) tool(name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	output, err := s.account.command(ctx, s.directory, filepath.Join(s.binaries, name), args...).CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(s.directory, "log"))
		return fmt.Errorf("%s: %w\n%s%s", name, err, output, log)
	}
	return nil
}
