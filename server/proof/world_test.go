package proof_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
	"github.com/gatehouse-auth/gatehouse/server/upstream/upstreamtest"
)

// Points that only the provider sees.
const (
	requestArrived   = "the provider has the request"
	providerAnswered = "the provider has done it and its answer is lost"
)

// world is a core on a directory that outlives it, a provider, and bob, who has nothing to do with what happens.
type world struct {
	visitor
	t         testing.TB
	dir       string
	clock     *upstreamtest.Clock
	wrap      func(storage.Store) storage.Store
	kernel    *kernel
	bystander session
}

func newWorld(t testing.TB, settings ...func(*upstreamtest.Settings)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), clock: &upstreamtest.Clock{}, visitor: visitor{idp: upstreamtest.New(t)}}
	w.wrap = func(store storage.Store) storage.Store { return store }
	w.clock.Set(time.Now().UTC().Truncate(time.Second))
	w.idp.SetClock(w.clock.Now)
	for _, change := range settings {
		w.idp.Configure(change)
	}
	w.start()
	t.Cleanup(w.stop)
	w.bystander = w.mustLogin("bob")
	return w
}

// start opens a core on what the last one left.
func (w *world) start() {
	w.t.Helper()
	provider, err := upstream.NewOIDC(w.idp.Config(issuer + "/auth/callback"))
	w.must(err)
	kernel, err := openKernel(w.t.Context(), kernelDeps{dir: w.dir, provider: provider, now: w.clock.Now, wrap: w.wrap})
	w.must(err)
	w.kernel = kernel
	w.AuthServiceClient = gatehousev1.NewAuthServiceClient(w.kernel.channel)
}

func (w *world) stop() {
	if err := w.kernel.close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) mustLogin(user string) session {
	w.t.Helper()
	s, err := w.login(w.t.Context(), user)
	w.must(err)
	return s
}

func (w *world) mustRegister() string {
	w.t.Helper()
	id, err := w.register(w.t.Context())
	w.must(err)
	return id
}

// crash makes a call in a process that is killed at a point, and starts a core on what it left. Nobody got an answer.
func (w *world) crash(point, method string, request proto.Message) {
	w.t.Helper()
	w.stop()
	defer w.start()
	content, err := protojson.Marshal(request)
	w.must(err)
	errand, err := json.Marshal(errand{
		Dir: w.dir, Issuer: w.idp.Issuer(), ClientID: w.idp.ClientID(), ClientSecret: w.idp.ClientSecret().Reveal(),
		Now: w.clock.Now(), Point: point, Method: "gatehouse.v1.AuthService." + protoreflect.FullName(method), Request: content,
	})
	w.must(err)
	child := exec.CommandContext(w.t.Context(), os.Args[0])
	child.Env = append(os.Environ(), errandVariable+"=1")
	stdin, err := child.StdinPipe()
	w.must(err)
	var output strings.Builder
	child.Stdout, child.Stderr = &output, &output

	victim := &victim{dead: make(chan struct{})}
	defer w.arm(point, victim)()
	w.must(child.Start())
	victim.process.Store(child.Process)
	_, errWrite := stdin.Write(errand)
	errWait := child.Wait()
	close(victim.dead)
	w.must(errWrite)
	if state := child.ProcessState; state.Exited() {
		w.t.Fatalf("the process was not killed at %q: %v\n%s", point, errWait, output.String())
	}
}

// victim is a process that the provider may kill.
type victim struct {
	process atomic.Pointer[os.Process]
	dead    chan struct{}
}

// kill returns when the process is no more.
func (v *victim) kill() {
	if err := v.process.Load().Kill(); err != nil {
		panic(err)
	}
	<-v.dead
}

// arm lets the provider kill the process, when the point is one of the provider's, and returns how to stop that.
func (w *world) arm(point string, victim *victim) (disarm func()) {
	switch point {
	case requestArrived:
		w.idp.SetFault(upstreamtest.Token, func(http.ResponseWriter, *http.Request) {
			victim.kill()
			panic(http.ErrAbortHandler)
		})
	case providerAnswered:
		w.idp.EditTokenResponse(func(map[string]any) { victim.kill() })
	}
	return func() {
		w.idp.SetFault(upstreamtest.Token, nil)
		w.idp.EditTokenResponse(nil)
	}
}

// wantActive checks what the store and the provider say of an access token.
func (w *world) wantActive(what string, s session, want bool) {
	w.t.Helper()
	verdict, err := w.VerifyToken(w.t.Context(), s.verification())
	if err != nil || verdict.GetActive() != want {
		w.t.Errorf("%s: active = %t (%s), %v; want %t", what, verdict.GetActive(), verdict.GetReason(), err, want)
	}
}

// wantRefused checks that a call failed as something that will not get better, in words of OAuth.
func (w *world) wantRefused(what string, err error, want string) {
	w.t.Helper()
	if err == nil || reason(err) != want {
		w.t.Errorf("%s: %v (%s), want %s", what, err, reason(err), want)
	}
}

// wantUnharmed checks that the crash cost nobody else anything, and nobody more than a new login.
func (w *world) wantUnharmed() {
	w.t.Helper()
	w.wantActive("the bystander", w.bystander, true)
	var err error
	if w.bystander, err = w.token(w.t.Context(), w.bystander.rotation()); err != nil {
		w.t.Errorf("the bystander cannot refresh: %v", err)
	}
	w.wantActive("a new login", w.mustLogin("alice"), true)
}

// tokens are what the provider gave for a session.
func (w *world) tokens(s session) upstream.Tokens {
	w.t.Helper()
	verdict, err := w.VerifyToken(w.t.Context(), s.verification())
	w.must(err)
	grant, err := w.kernel.store.Grant(w.t.Context(), verdict.GetGrantId())
	w.must(err)
	record, err := w.kernel.store.Credential(w.t.Context(), grant.CredentialID)
	w.must(err)
	tokens, err := w.kernel.vault.Open(record)
	w.must(err)
	return tokens
}

// live counts the grants of a client that stand.
func (w *world) live(clientID string) int {
	w.t.Helper()
	grants, err := w.kernel.store.ListGrants(w.t.Context(),
		storage.GrantFilter{ClientID: clientID, Now: w.clock.Now()}, storage.Page{Limit: 10})
	w.must(err)
	return len(grants)
}
