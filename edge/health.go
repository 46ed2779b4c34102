package edge

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	pathAlive = "/healthz"
	pathReady = "/readyz"
)

// readyTimeout is how long the core may take to say that it is ready. Probes do not wait much longer themselves.
const readyTimeout = 2 * time.Second

// probes tell an orchestrator how the process is.
type probes struct {
	health   grpc_health_v1.HealthClient
	logger   *slog.Logger
	problems problems
}

// alive answers 200 as long as requests are answered at all. It asks nobody: restarting this process mends nothing that
// is broken elsewhere.
func (p *probes) alive(w http.ResponseWriter, r *http.Request) {
	if p.isRead(w, r) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	}
}

// ready answers 200 when the core can do its work, and 503 otherwise, also while it drains.
func (p *probes) ready(w http.ResponseWriter, r *http.Request) {
	if !p.isRead(w, r) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	answer, err := p.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{
		Service: gatehousev1.AuthService_ServiceDesc.ServiceName,
	})
	if err != nil {
		p.logger.LogAttrs(ctx, slog.LevelWarn, "the core does not answer the readiness probe",
			slog.Any("error", err), slog.String("request_id", requestlog.ID(ctx)))
	}
	if answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// isRead tells whether a request only reads, and refuses it otherwise.
func (p *probes) isRead(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	p.problems.write(w, r, http.StatusMethodNotAllowed)
	return false
}
