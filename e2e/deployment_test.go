package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/browser"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/canary"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/program"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/realm"
)

// person is a user of the identity provider behind a deployment.
type person struct {
	username, password string
}

// deployment is a running gatehouse with an identity provider, as its users meet it. All tests of behaviour take one,
// so that every way to deploy is held to the same promises.
type deployment struct {
	// server is the authorization server, by its public URL.
	server oauthclient.Server
	// grpcAddr is the gRPC listener of the core.
	grpcAddr string
	// dataDir is where the core keeps its admin token: its data directory, unless it was given one.
	dataDir string
	// providerHost is the host and port of the identity provider.
	providerHost string
	// alice and bob can log in.
	alice, bob person
	// provider is the pretended realm; nil where the provider is another.
	provider *realm.Realm
	// secrets is every secret of the run, and known what has to be in its data directory.
	secrets, known *canary.Set
}

// resource is the identifier of the MCP endpoint, which is its URL.
func (d *deployment) resource() string { return d.server.URL + "/mcp" }

// adminToken reads the operator's token from the data directory.
func (d *deployment) adminToken(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(d.adminTokenFile())
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(content))
	d.secrets.Add(kindAdminToken, token)
	return token
}

func (d *deployment) adminTokenFile() string { return filepath.Join(d.dataDir, "admin.token") }

// workspace is where the processes of one test keep their files. At the end of the test it is searched for secrets.
type workspace struct {
	data, logs     string
	secrets, known *canary.Set
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	root := t.TempDir()
	w := &workspace{
		data:    filepath.Join(root, "data"),
		logs:    filepath.Join(root, "logs"),
		secrets: new(canary.Set),
		known:   new(canary.Set),
	}
	if err := os.Mkdir(w.logs, 0o700); err != nil {
		t.Fatal(err)
	}
	// Cleanups run last in, first out: this one after the processes have stopped.
	t.Cleanup(func() { scanForSecrets(t, w) })
	return w
}

// process describes a gatehouse process for startGatehouse.
type process struct {
	// name names its log.
	name string
	// args are the arguments of the command line.
	args []string
	// env is its environment.
	env map[string]string
	// ready reports whether it serves.
	ready func(context.Context) bool
	// broken is a text in the errors that it logs about settings that the test makes wrong; empty when it does not.
	broken string
}

// startGatehouse runs a process until the end of the test, which fails when the process does not end by itself with
// status 0 after SIGTERM.
func startGatehouse(t *testing.T, w *workspace, p process) *program.Process {
	t.Helper()
	running, err := program.Start(t.Context(), program.Config{
		Name:         p.name,
		Path:         binary,
		Args:         p.args,
		Env:          p.env,
		Dir:          w.logs,
		LogDir:       w.logs,
		Ready:        p.ready,
		StartTimeout: time.Minute,
		StopTimeout:  15 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
		if p.args[0] == "serve" {
			checkLog(t, filepath.Join(w.logs, p.name+".log"), p.broken)
		}
		if t.Failed() {
			t.Logf("last lines of %s:\n%s", p.name, running.Tail())
		}
	})
	return running
}

// answersReadyz is ready when the HTTP listener says so.
func answersReadyz(httpAddr string) func(context.Context) bool {
	return program.Answers("http://" + httpAddr + "/readyz")
}

// freeAddr returns a loopback address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	port, err := program.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// merged returns the union of environments. Later ones win.
func merged(environments ...map[string]string) map[string]string {
	all := make(map[string]string)
	for _, environment := range environments {
		maps.Copy(all, environment)
	}
	return all
}

// newBrowser returns a fresh browser profile that stops where the client takes over. What it has seen is kept for the
// search at the end.
func (d *deployment) newBrowser(t *testing.T, redirectURI string) *browser.Browser {
	t.Helper()
	b := browser.New(func(u *url.URL) bool { return strings.HasPrefix(u.String(), redirectURI+"?") })
	t.Cleanup(func() {
		d.noteSecrets(b)
		d.checkHygiene(t, b)
	})
	return b
}
