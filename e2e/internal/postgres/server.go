package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/program"
)

// owner is the name of the one database and of the user who owns it.
const owner = "gatehouse"

// Server is a PostgreSQL with one empty database, which listens on loopback.
type Server struct {
	programs Programs
	folder   string
	port     int
	password string
}

// Start makes and starts a server. The caller removes it.
func (p Programs) Start(ctx context.Context) (*Server, error) {
	s, err := p.newServer(rand.Text())
	if err != nil {
		return nil, err
	}
	passwords := filepath.Join(s.folder, "password")
	err = os.WriteFile(passwords, []byte(s.password), 0o644)
	if err == nil {
		_, err = s.run(ctx, "initdb", "--pgdata", s.data(), "--username", owner, "--encoding", "UTF8", "--locale", "C",
			"--auth", "scram-sha-256", "--pwfile", passwords)
	}
	if err == nil {
		err = errors.Join(os.Remove(passwords), s.control(ctx, "start"))
	}
	if err == nil {
		err = s.Execute(ctx, "CREATE DATABASE "+owner)
	}
	if err != nil {
		return nil, errors.Join(err, s.Remove())
	}
	return s, nil
}

// StartStandby copies a server into a second one that follows it, and makes the first wait for the second with every
// commit: what the one has acknowledged, the other has. The caller removes it.
func (s *Server) StartStandby(ctx context.Context) (*Server, error) {
	standby, err := s.programs.newServer(s.password)
	if err != nil {
		return nil, err
	}
	source := fmt.Sprintf("host=127.0.0.1 port=%d user=%s password=%s application_name=standby", s.port, owner, s.password)
	_, err = standby.run(ctx, "pg_basebackup", "--pgdata", standby.data(), "--dbname", source,
		"--write-recovery-conf", "--checkpoint", "fast")
	if err == nil {
		err = standby.control(ctx, "start")
	}
	for _, statement := range []string{
		"ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()",
		"CREATE TABLE replicated ()", // it returns when the standby has it
	} {
		if err == nil {
			err = s.Execute(ctx, statement)
		}
	}
	if err != nil {
		return nil, errors.Join(err, standby.Remove())
	}
	return standby, nil
}

func (p Programs) newServer(password string) (*Server, error) {
	port, err := program.FreePort()
	if err != nil {
		return nil, err
	}
	folder, err := p.makeFolder()
	if err != nil {
		return nil, err
	}
	return &Server{programs: p, folder: folder, port: port, password: password}, nil
}

// Folder is where the server keeps its files, its log among them.
func (s *Server) Folder() string { return s.folder }

// Password is the password of the database. A standby has the same.
func (s *Server) Password() string { return s.password }

// URL is the address of the database, at this server or at whichever of several takes writes.
func (s *Server) URL(others ...*Server) string {
	hosts := []string{fmt.Sprintf("127.0.0.1:%d", s.port)}
	for _, other := range others {
		hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", other.port))
	}
	return "postgres://" + owner + ":" + url.QueryEscape(s.password) + "@" + strings.Join(hosts, ",") + "/" + owner +
		"?sslmode=disable&target_session_attrs=read-write"
}

// Execute runs a statement as the owner.
func (s *Server) Execute(ctx context.Context, statement string) error {
	_, err := s.run(ctx, "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", statement,
		"--host", "127.0.0.1", "--port", fmt.Sprint(s.port), "--username", owner, "--dbname", "postgres")
	return err
}

// Crash ends the server as a power cut would, as far as its processes go, and starts it again.
func (s *Server) Crash(ctx context.Context) error {
	return s.control(ctx, "restart", "--mode", "immediate")
}

// Stop ends the server in good order, without waiting for its clients.
func (s *Server) Stop(ctx context.Context) error {
	return s.control(ctx, "stop", "--mode", "fast")
}

// Kill ends the server as a power cut would.
func (s *Server) Kill(ctx context.Context) error {
	return s.control(ctx, "stop", "--mode", "immediate")
}

// Promote makes a standby the one that takes writes.
func (s *Server) Promote(ctx context.Context) error { return s.control(ctx, "promote") }

// Remove ends the server, when it runs, and deletes its files.
func (s *Server) Remove() error {
	var err error
	if s.Running() {
		err = s.Kill(context.Background())
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// Running reports whether the server was started and not ended.
func (s *Server) Running() bool {
	_, err := os.Stat(filepath.Join(s.data(), "postmaster.pid"))
	return err == nil
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// control lets pg_ctl do something, and waits until it is done.
func (s *Server) control(ctx context.Context, action string, args ...string) error {
	args = append([]string{action, "--wait", "--silent", "--pgdata", s.data()}, args...)
	log := filepath.Join(s.folder, "log")
	if action == "start" || action == "restart" {
		args = append(args, "--log", log, "--options", fmt.Sprintf(
			"-c listen_addresses=127.0.0.1 -c port=%d -c unix_socket_directories= -c fsync=on", s.port))
	}
	_, err := s.run(ctx, "pg_ctl", args...)
	if err != nil {
		content, _ := os.ReadFile(log)
		return fmt.Errorf("%w\n%s", err, content)
	}
	return nil
}

func (s *Server) run(ctx context.Context, name string, args ...string) (string, error) {
	return s.programs.run(ctx, s.folder, s.password, name, args...)
}
