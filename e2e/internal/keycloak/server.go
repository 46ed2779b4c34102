package keycloak

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/program"
)

const adminUser = "admin"

// Server is a running Keycloak with an empty database.
type Server struct {
	process  *program.Process
	baseURL  string
	password string // of the administrator
}

// Start runs an installed Keycloak on free loopback ports and waits until it answers, at most three minutes. Its output
// goes to keycloak.log in logDir.
func (d Distribution) Start(ctx context.Context, logDir string) (*Server, error) {
	port, err := program.FreePort()
	if err != nil {
		return nil, err
	}
	s := &Server{baseURL: fmt.Sprintf("http://127.0.0.1:%d", port), password: rand.Text()}
	s.process, err = program.Start(ctx, program.Config{
		Name: "keycloak",
		Path: d.script(),
		Args: []string{
			"start", "--optimized", "--cache=local", "--hostname-strict=false",
			"--http-enabled=true", "--http-host=127.0.0.1", fmt.Sprintf("--http-port=%d", port),
		},
		Env: map[string]string{
			"JAVA_OPTS_KC_HEAP":           "-Xms128m -Xmx768m",
			"KC_BOOTSTRAP_ADMIN_USERNAME": adminUser,
			"KC_BOOTSTRAP_ADMIN_PASSWORD": s.password,
		},
		Dir:          d.folder,
		LogDir:       logDir,
		Ready:        program.Answers(s.baseURL + "/realms/master/.well-known/openid-configuration"),
		StartTimeout: 3 * time.Minute,
		StopTimeout:  time.Minute,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// BaseURL is what KEYCLOAK_BASE_URL has to be.
func (s *Server) BaseURL() string { return s.baseURL }

// Stop ends the server. Its database is gone with it.
func (s *Server) Stop() { s.process.Kill() }
