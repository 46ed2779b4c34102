package proof_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/inprocess"
	"github.com/gatehouse-auth/gatehouse/server/interceptor"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

const (
	walkTime  = 5 * time.Second // altogether, by default
	walkSteps = 150
)

// Whatever clients, people, providers and operators do, and in whatever order: the core answers as the model does.
func TestCoreBehavesLikeItsModel(t *testing.T) {
	seed, limit := seed(t), walkTime
	if text := os.Getenv("GATEHOUSE_PROOF_SECONDS"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("GATEHOUSE_PROOF_SECONDS: %v", err)
		}
		limit = time.Duration(seconds) * time.Second
	}
	begun, walks := time.Now(), uint64(0)
	for time.Since(begun) < limit && !t.Failed() {
		t.Run(fmt.Sprintf("seed %d", seed+walks), func(t *testing.T) {
			newWalk(t, seed+walks).run()
		})
		walks++
	}
	t.Logf("%d walks of %d steps", walks, walkSteps)
}

// walk is a core, its model, and what the clients remember.
type walk struct {
	visitor
	t     *testing.T
	seed  uint64
	rand  *rand.Rand
	dir   string
	clock *upstreamtest.Clock
	core  *server.Core
	admin gatehousev1.AdminServiceClient
	model *model
	trace []string

	clients []string
	logins  []*walkLogin
	codes   []walkCode
	lines   []*walkLine
	access  []walkToken
}

// walkLogin is what a browser has of a login.
type walkLogin struct {
	*modelLogin
	handle string
	answer *gatehousev1.CompleteAuthorizationRequest // nil before the provider has sent one
}

type walkCode struct {
	*modelCode
	text string
}

// walkLine is every refresh token that a client has received for a grant, and the newest access token.
type walkLine struct {
	*modelGrant
	refresh []string
}

type walkToken struct {
	modelToken
	text string
}

func newWalk(t *testing.T, seed uint64) *walk {
	t.Helper()
	w := &walk{
		t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), clock: &upstreamtest.Clock{},
		visitor: visitor{idp: upstreamtest.New(t)},
	}
	w.clock.Set(time.Now().UTC().Truncate(time.Second))
	w.idp.SetClock(w.clock.Now)
	w.model = newModel(w.clock.Now(), "alice", "bob")
	for name := range w.model.people {
		w.idp.AddUser(personAtProvider(name, false))
	}
	w.open()
	t.Cleanup(w.close)
	for range 2 {
		id, err := w.register(t.Context())
		w.must(err)
		w.clients = append(w.clients, id)
	}
	return w
}

func (w *walk) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("seed %d: %v%s", w.seed, err, strings.Join(w.trace, ""))
	}
}

func (w *walk) open() {
	w.t.Helper()
	cfg, err := config.Load(config.Sources{Environ: []string{"MCP_SERVER_BASE_URL=" + issuer, "GATEHOUSE_DATA_DIR=" + w.dir}})
	w.must(err)
	provider, err := upstream.NewOIDC(w.idp.Config(cfg.CallbackURL()))
	w.must(err)
	w.core, err = server.Open(w.t.Context(), server.Deps{
		Config: cfg, Provider: provider, Logger: slog.New(slog.DiscardHandler), Random: secret.NewSource(nil), Now: w.clock.Now,
	})
	w.must(err)
	channel := inprocess.NewChannel(w.core.Chain(interceptor.InProcessGate(interceptor.NewTable())))
	w.core.Register(channel)
	w.AuthServiceClient = gatehousev1.NewAuthServiceClient(channel)
	w.admin = gatehousev1.NewAdminServiceClient(channel)
}

func (w *walk) close() {
	if err := w.core.Close(); err != nil {
		w.t.Error(err)
	}
}

// run takes the steps, and compares everything that is visible after each.
func (w *walk) run() {
	steps := w.steps()
	for len(w.trace) < walkSteps && !w.t.Failed() {
		steps[w.rand.IntN(len(steps))]()
		w.compare()
	}
}

// saw compares an answer with the model's and keeps a note.
func (w *walk) saw(what, got, want string) {
	w.t.Helper()
	w.trace = append(w.trace, fmt.Sprintf("\n%3d %s: %s", len(w.trace), what, got))
	if got != want {
		w.t.Errorf("GATEHOUSE_PROOF_SEED=%d: answered %s, the model says %s%s", w.seed, got, want, strings.Join(w.trace, ""))
	}
}

// compare checks what holds after every step: the grants that operators see, and how often the provider was asked for
// new tokens.
func (w *walk) compare() {
	w.t.Helper()
	list, err := w.admin.ListGrants(w.t.Context(), &gatehousev1.ListGrantsRequest{PageSize: 100})
	w.must(err)
	if got, want := len(list.GetGrants()), w.model.live(); got != want {
		w.saw("grants that stand", strconv.Itoa(got), strconv.Itoa(want))
	}
	if got, want := w.idp.Renewals(), w.model.renewals; got != want {
		w.saw("renewals at the provider", strconv.Itoa(got), strconv.Itoa(want))
	}
}

// class is what an answer means to the one who asked.
func class(err error) string {
	if err == nil {
		return "ok"
	}
	if refused, ok := errors.AsType[clientError](err); ok {
		return "client: " + string(refused)
	}
	return reason(err)
}
