package edge

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func TestMain(m *testing.M) {
	// net/http lingers for half a second over a connection that it closes with a request unread.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// nothing is a connection that no test uses.
type nothing struct{ grpc.ClientConnInterface }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func now() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

func TestAliveAsksNobodyAndReadyAsksTheCore(t *testing.T) {
	g := newRig(t)
	for _, tc := range []struct {
		name   string
		status grpc_health_v1.HealthCheckResponse_ServingStatus
		want   int
	}{
		{"serving", grpc_health_v1.HealthCheckResponse_SERVING, 200},
		{"draining or broken", grpc_health_v1.HealthCheckResponse_NOT_SERVING, 503},
		{"not known yet", grpc_health_v1.HealthCheckResponse_UNKNOWN, 503},
		{"serving again", grpc_health_v1.HealthCheckResponse_SERVING, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g.health.SetServingStatus("gatehouse.v1.AuthService", tc.status)
			if w := g.do("GET", "/readyz"); w.Code != tc.want || !json.Valid(w.Body.Bytes()) {
				t.Errorf("/readyz: %d %s, want %d", w.Code, w.Body, tc.want)
			}
			if w := g.do("GET", "/healthz"); w.Code != 200 {
				t.Errorf("/healthz: %d", w.Code)
			}
		})
	}
	t.Run("a core that does not know itself", func(t *testing.T) {
		g.health.Shutdown()
		g.health.SetServingStatus("gatehouse.v1.AuthService", grpc_health_v1.HealthCheckResponse_SERVING) // ignored
		if w := g.do("HEAD", "/readyz"); w.Code != 503 {
			t.Errorf("/readyz: %d", w.Code)
		}
	})
}

func TestRequestIdentifierReachesTheCoreAndTheLog(t *testing.T) {
	g := newRig(t)
	g.do("GET", "/.well-known/oauth-authorization-server?secret=canary", "X-Request-Id", "forged")
	if !slices.Equal(g.core.ids, []string{"0001020304050607"}) {
		t.Errorf("the core was told %v", g.core.ids)
	}
	log := g.log.String()
	if strings.Count(log, `"request_id":"0001020304050607"`) != 1 || strings.Contains(log, "canary") || strings.Contains(log, "forged") {
		t.Errorf("log = %s", log)
	}
}

func TestEndpointIsOpenToTheTokenOfTheCoreOnly(t *testing.T) {
	g := newRig(t)
	challenge := `resource_metadata="` + issuer + `/.well-known/oauth-protected-resource/mcp"`
	for token, status := range map[string]int{"": 401, "Bearer bad": 401, "Bearer good": 405} {
		var header []string
		if token != "" {
			header = []string{"Authorization", token}
		}
		w := g.do("GET", "/mcp", header...)
		if w.Code != status {
			t.Errorf("%q: status %d, want %d", token, w.Code, status)
		}
		if status == 401 && !strings.Contains(w.Header().Get("WWW-Authenticate"), challenge) {
			t.Errorf("%q: challenge %q", token, w.Header().Get("WWW-Authenticate"))
		}
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	good := Config{Issuer: issuer, Resource: resource, ServerName: "n", Scopes: []string{"mcp"}}
	deps := Deps{Conn: new(nothing), Logger: discard(), Now: now, Random: counter{}}
	if _, err := New(deps, good); err != nil {
		t.Fatal(err)
	}
	for _, issuer := range []string{"", "gate.test", "https://", "https://gate.test/", "https://gate.test/x", "ftp://gate.test", "https://gate.test?x", "https://u@gate.test", "HTTPS://gate.test"} {
		config := good
		config.Issuer, config.Resource = issuer, issuer+"/mcp"
		if _, err := New(deps, config); err == nil {
			t.Errorf("issuer %q is accepted", issuer)
		}
	}
	config := good
	config.Resource = "https://other.test/mcp"
	if _, err := New(deps, config); err == nil {
		t.Error("a resource of another origin is accepted")
	}
	config = good
	config.AllowedOrigins = []string{"*"}
	if _, err := New(deps, config); err == nil {
		t.Error("a wildcard origin is accepted")
	}
	if _, err := New(Deps{}, good); err == nil {
		t.Error("missing dependencies are accepted")
	}
}
