package e2e

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/program"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// TestServe holds one process with a provider elsewhere to all promises.
func TestServe(t *testing.T) {
	keepPromises(t, startServe(t).deployment)
}

// TestServeSurvivesKill: SIGKILL loses nothing that was acknowledged. Tokens hold, the operator's too, and whoever is
// about to log in can do so.
func TestServeSurvivesKill(t *testing.T) {
	s := startServe(t)
	session, operator := s.connect(t, s.alice), s.adminToken(t)
	attempt := s.server.NewAttempt(session.id, session.redirectURI)
	b := s.newBrowser(t, session.redirectURI)
	login := decide(t, b, openConsent(t, b, s.server.AuthorizeURL(attempt)), "allow")
	s.running.Kill()
	s.start(t)
	if status := s.mcpStatus(t, session.access); status != http.StatusOK {
		t.Errorf("the access token after the restart: %d", status)
	}
	if answer := s.exchange(t, attempt.ExchangeForm(s.codeOf(t, logIn(t, b, login, s.alice), attempt))); answer.Status != http.StatusOK {
		t.Errorf("the login that was under way: %s", answer)
	}
	if s.adminToken(t) != operator {
		t.Error("the admin token changed")
	}
	if answer := s.exchange(t, refreshForm(session)); answer.Status != http.StatusOK {
		t.Errorf("the refresh token after the restart: %s", answer)
	}
}

// TestServeShortTokens: the life of access tokens is a setting, and is kept.
func TestServeShortTokens(t *testing.T) {
	s := startServe(t, map[string]string{"GATEHOUSE_ACCESS_TOKEN_TTL": "2s"})
	session := s.connect(t, s.alice)
	eventually(t, 2*revocationDelay, "the end of the access token", func() bool {
		return s.mcpStatus(t, session.access) == http.StatusUnauthorized
	})
}

// TestServeProviderOutage: a provider that is down ends nobody's access, also where the token behind it is looked at
// afresh.
func TestServeProviderOutage(t *testing.T) {
	s := startServe(t)
	session := s.connect(t, s.alice)
	s.provider.Close()
	verdict, err := s.authService(t).VerifyToken(t.Context(), &gatehousev1.VerifyTokenRequest{
		Token: session.access, Resource: s.resource(), Freshness: gatehousev1.Freshness_FRESHNESS_STRICT,
	})
	if err != nil || !verdict.GetActive() {
		t.Errorf("VerifyToken = %v, %v; want active", verdict, err)
	}
	if status := s.mcpStatus(t, session.access); status != http.StatusOK {
		t.Errorf("the token at the endpoint: %d", status)
	}
}

// TestServeDrains: after SIGTERM no request begins, the core says so over gRPC, too, and a request that is under way gets
// its answer.
func TestServeDrains(t *testing.T) {
	s := startServe(t)
	conn, err := net.Dial("tcp", hostOf(t, s.server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = "grant_type=authorization_code&code=unknown&client_id=unknown"
	fmt.Fprintf(conn, "POST /token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", hostOf(t, s.server.URL), len(body))
	answers := bufio.NewReader(conn)
	res, err := http.ReadResponse(answers, nil)
	if err != nil || res.StatusCode != http.StatusContinue {
		t.Fatalf("the server does not ask for the body: %v, %v", res, err)
	}
	res.Body.Close()

	stopped := make(chan error, 1)
	go func() { stopped <- s.running.Stop() }()
	eventually(t, revocationDelay, "the end of the listener", func() bool { return !s.process.ready(t.Context()) })
	health, err := healthv1.NewHealthClient(s.dial(t)).Check(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil || health.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("the core, while a request is under way: %v, %v; want not serving", health.GetStatus(), err)
	}
	fmt.Fprint(conn, body)
	res, err = http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatalf("the request under way got no answer: %v", err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the request under way got status %d, want 401 for an unknown client", res.StatusCode)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestServeNamesWhatIsMissing: all problems at once, and no secret among them.
func TestServeNamesWhatIsMissing(t *testing.T) {
	w := newWorkspace(t)
	httpAddr, secret := freeAddr(t), rand.Text()
	w.secrets.Add("provider client secret", secret)
	_, err := program.Start(t.Context(), program.Config{
		Name: "serve", Path: binary, Args: []string{"serve"}, Dir: w.logs, LogDir: w.logs,
		Env: map[string]string{
			"GATEHOUSE_HTTP_ADDR": httpAddr, "GATEHOUSE_DATA_DIR": w.data, "KEYCLOAK_CLIENT_SECRET": secret,
		},
		Ready:        answersReadyz(httpAddr),
		StartTimeout: 2 * revocationDelay,
	})
	if err == nil {
		t.Fatal("it started without a provider")
	}
	for _, key := range []string{"KEYCLOAK_BASE_URL", "KEYCLOAK_CLIENT_ID"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("the message does not name %s:\n%s", key, err)
		}
	}
}

// served is one gatehouse process.
type served struct {
	*deployment
	running *program.Process
	process process
	work    *workspace
	// logoutURL is where the provider says that a session has ended; empty for nowhere.
	logoutURL string
}

// startServe runs a gatehouse with a pretended Keycloak behind it.
func startServe(t *testing.T, extra ...map[string]string) *served {
	t.Helper()
	w := newWorkspace(t)
	httpAddr, grpcAddr := freeAddr(t), freeAddr(t)
	d, environment := withRealm(t, w, "http://"+httpAddr)
	d.grpcAddr = grpcAddr
	s := &served{deployment: d, work: w, process: process{
		name:  "serve",
		args:  []string{"serve"},
		ready: answersReadyz(httpAddr),
		env: merged(append([]map[string]string{environment, {
			"GATEHOUSE_HTTP_ADDR": httpAddr,
			"GATEHOUSE_GRPC_ADDR": grpcAddr,
			"GATEHOUSE_DATA_DIR":  w.data,
		}}, extra...)...),
	}}
	s.start(t)
	return s
}

// start runs the process, also again after it was killed.
func (s *served) start(t *testing.T) {
	t.Helper()
	s.running = startGatehouse(t, s.work, s.process)
}
