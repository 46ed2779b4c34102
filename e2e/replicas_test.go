package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/balancer"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/postgres"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/program"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/realm"
)

// postgresPart is the variable that asks for this part.
const postgresPart = "GATEHOUSE_E2E_POSTGRES"

// replica is one of several gatehouse processes on one database.
type replica struct {
	process            process
	running            *program.Process
	httpAddr, grpcAddr string
}

// replicas is two gatehouse processes that have nothing in common but a PostgreSQL, a sealing key and an admin token, with
// a load balancer before them and a pretended Keycloak behind them. The deployment is what the public sees.
type replicas struct {
	*deployment
	work     *workspace
	database *postgres.Server
	standby  *postgres.Server // nil unless it was asked for
	balancer *balancer.Balancer
	each     [2]*replica
}

// replicaOptions is what differs between tests.
type replicaOptions struct {
	standby bool
	realm   func(*realm.Config)
	env     map[string]string
}

func startReplicas(t *testing.T, options replicaOptions) *replicas {
	t.Helper()
	r := &replicas{}
	r.startDatabase(t, options.standby)
	r.work = newWorkspace(t)
	// At the end the database stops, is searched for secrets, and is deleted.
	keys := r.work.data
	r.work.data = r.database.Folder()
	t.Cleanup(func() { r.stopDatabase(t) })
	r.work.secrets.Add("database password", r.database.Password())

	public := freeAddr(t)
	changes := []func(*realm.Config){}
	if options.realm != nil {
		changes = append(changes, options.realm)
	}
	d, environment := withRealm(t, r.work, "http://"+public, changes...)
	r.deployment, d.dataDir = d, keys
	environment = merged(environment, r.writeKeys(t, keys), map[string]string{"GATEHOUSE_STORE_URL": r.database.URL()}, options.env)
	if r.standby != nil {
		environment["GATEHOUSE_STORE_URL"] = r.database.URL(r.standby)
	}
	for i, name := range []string{"first", "second"} {
		r.each[i] = &replica{httpAddr: freeAddr(t), grpcAddr: freeAddr(t)}
		r.each[i].process = process{
			name:  name,
			args:  []string{"serve"},
			ready: answersReadyz(r.each[i].httpAddr),
			env: merged(environment, map[string]string{
				"GATEHOUSE_HTTP_ADDR": r.each[i].httpAddr,
				"GATEHOUSE_GRPC_ADDR": r.each[i].grpcAddr,
				"GATEHOUSE_DATA_DIR":  filepath.Join(t.TempDir(), name),
			}),
		}
		r.start(t, i)
	}
	var err error
	if r.balancer, err = balancer.Start(public, r.each[0].httpAddr, r.each[1].httpAddr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.balancer.Close)
	d.grpcAddr = r.each[0].grpcAddr
	return r
}

// startDatabase runs PostgreSQL until the end of the test.
func (r *replicas) startDatabase(t *testing.T, standby bool) {
	t.Helper()
	programs, err := postgres.Find()
	if errors.Is(err, postgres.ErrMissing) {
		missing(t, postgresPart, "no PostgreSQL is installed", "install Debian's package postgresql, or have initdb in PATH")
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.database, err = programs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeDatabase(t, r.database) })
	if !standby {
		return
	}
	if r.standby, err = r.database.StartStandby(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeDatabase(t, r.standby) })
}

func (r *replicas) stopDatabase(t *testing.T) {
	t.Helper()
	if !r.database.Running() {
		return
	}
	if err := r.database.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func removeDatabase(t *testing.T, database *postgres.Server) {
	t.Helper()
	if err := database.Remove(); err != nil {
		t.Error(err)
	}
}

// writeKeys makes what the replicas have in common, and returns the variables that say where.
func (r *replicas) writeKeys(t *testing.T, folder string) map[string]string {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	sealing := base64.StdEncoding.EncodeToString(key)
	r.work.secrets.Add("sealing key", sealing)
	files := map[string]string{"sealing.key": sealing, "admin.token": rand.Text() + rand.Text()}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{
		"GATEHOUSE_SEALING_KEY_FILE": filepath.Join(folder, "sealing.key"),
		"GATEHOUSE_ADMIN_TOKEN_FILE": filepath.Join(folder, "admin.token"),
	}
}

// start runs a replica, also again after it was killed.
func (r *replicas) start(t *testing.T, i int) {
	t.Helper()
	r.each[i].running = startGatehouse(t, r.work, r.each[i].process)
}

// at is the deployment as somebody sees it whom the load balancer always sends to one replica.
func (r *replicas) at(t *testing.T, i int) *deployment {
	t.Helper()
	transport := balancer.Direct(r.each[i].httpAddr)
	t.Cleanup(transport.CloseIdleConnections)
	d := *r.deployment
	d.server.Transport = transport
	d.grpcAddr = r.each[i].grpcAddr
	return &d
}

// TestReplicas holds two replicas that share every login between them to all promises.
func TestReplicas(t *testing.T) {
	keepPromises(t, startReplicas(t, replicaOptions{}).deployment)
}
