package keycloak

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/program"
)

const adminUser = "admin"

// Server is a Keycloak with a database of its own.
type Server struct {
	config   program.Config
	process  *program.Process
	baseURL  string
	password string // of the administrator
}

// Start runs an installed Keycloak on a free loopback port and waits until it answers, at most three minutes. Its database
// and its output, keycloak.log, go to folder.
func (d Distribution) Start(ctx context.Context, folder string) (*Server, error) {
	port, err := program.FreePort()
	if err != nil {
		return nil, err
	}
	s := &Server{baseURL: fmt.Sprintf("http://127.0.0.1:%d", port), password: rand.Text()}
	s.config = program.Config{
		Name: "keycloak",
		Path: d.script(),
		Args: []string{
			"start", "--optimized", "--cache=local", "--hostname-strict=false",
			"--http-enabled=true", "--http-host=127.0.0.1", fmt.Sprintf("--http-port=%d", port),
			"--db-url=jdbc:h2:file:" + filepath.Join(folder, "database") + ";NON_KEYWORDS=VALUE",
		},
		Env: map[string]string{
			"JAVA_OPTS_KC_HEAP":           "-Xms128m -Xmx768m",
			"KC_BOOTSTRAP_ADMIN_USERNAME": adminUser,
			"KC_BOOTSTRAP_ADMIN_PASSWORD": s.password,
		},
		Dir:          d.folder,
		LogDir:       folder,
		Ready:        program.Answers(s.baseURL + "/realms/master/.well-known/openid-configuration"),
		StartTimeout: 3 * time.Minute,
		StopTimeout:  time.Minute,
	}
	return s, s.Resume(ctx)
}

// BaseURL is what KEYCLOAK_BASE_URL has to be.
func (s *Server) BaseURL() string { return s.baseURL }

// Stop ends the server in good order. The exit status of a Java machine that was told to end says nothing.
func (s *Server) Stop() { _ = s.process.Stop() }

// Resume runs the server again, with what it knew.
func (s *Server) Resume(ctx context.Context) error {
	var err error
	s.process, err = program.Start(ctx, s.config)
	return err
}

// Close ends the server at once.
func (s *Server) Close() { s.process.Kill() }
