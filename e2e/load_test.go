package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/e2e/internal/mcpclient"
	"github.com/gatehouse-auth/gatehouse/e2e/internal/oauthclient"
)

// load is clients that refresh and use their tokens while something breaks. They do what good clients do: they keep what
// was acknowledged, and ask again with it after an outage. An outage is a connection that breaks, or 503 with Retry-After.
// Any other refusal is a failure, for no client did anything wrong.
type load struct {
	deployment *deployment
	clients    []*session // each is one installation of a client
	cancel     context.CancelFunc
	group      sync.WaitGroup

	acknowledged, outages atomic.Int64
	mu                    sync.Mutex
	faults                []string
}

// startLoad logs in as many clients as are wanted and lets them run until finish.
func startLoad(t *testing.T, d *deployment, clients int) *load {
	t.Helper()
	l := &load{deployment: d}
	for i := range clients {
		who := d.alice
		if i%2 == 1 {
			who = d.bob
		}
		l.clients = append(l.clients, new(d.connect(t, who)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	l.cancel = cancel
	for _, c := range l.clients {
		l.group.Go(func() {
			for ctx.Err() == nil {
				l.step(ctx, c)
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

// step refreshes once and uses the access token once.
func (l *load) step(ctx context.Context, c *session) {
	answer, err := l.deployment.server.Token(ctx, refreshForm(*c), nil)
	if l.interrupted(ctx, "refresh", answer.Status, answer.Header, err) {
		return
	}
	if answer.Status != http.StatusOK {
		l.fail("a refresh: %s", answer)
		return
	}
	l.acknowledged.Add(1)
	c.access, c.refresh = answer.Text("access_token"), answer.Text("refresh_token")

	reply, err := l.deployment.mcp(mcpclient.Stateless, c.access).Call(ctx, "tools/list", nil)
	if l.interrupted(ctx, "tools/list", reply.Status, reply.Header, err) {
		return
	}
	if reply.Status != http.StatusOK {
		l.fail("the token at the endpoint: %s", reply)
	}
}

// interrupted reports whether a request met an outage, and waits a moment then.
func (l *load) interrupted(ctx context.Context, what string, status int, header http.Header, err error) bool {
	if err == nil && status < http.StatusInternalServerError {
		return false
	}
	if ctx.Err() != nil {
		return true
	}
	if err == nil && (status != http.StatusServiceUnavailable || header.Get("Retry-After") == "") {
		l.fail("%s: status %d, Retry-After %q", what, status, header.Get("Retry-After"))
	}
	l.outages.Add(1)
	select {
	case <-ctx.Done():
	case <-time.After(50 * time.Millisecond):
	}
	return true
}

func (l *load) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// await waits until the clients have got further.
func (l *load) await(t *testing.T, refreshes int64) {
	t.Helper()
	want := l.acknowledged.Load() + refreshes
	eventually(t, 30*time.Second, fmt.Sprintf("%d refreshes", refreshes), func() bool { return l.acknowledged.Load() >= want })
}

func (l *load) stop() {
	l.cancel()
	l.group.Wait()
}

// finish stops the clients. Each of them can go on from what was acknowledged to it last.
func (l *load) finish(t *testing.T) {
	t.Helper()
	l.stop()
	for _, fault := range l.faults[:min(len(l.faults), 10)] {
		t.Error(fault)
	}
	for _, c := range l.clients {
		l.deployment.checkRefreshes(t, *c)
	}
	t.Logf("%d refreshes of %d clients, %d outages, %d faults",
		l.acknowledged.Load(), len(l.clients), l.outages.Load(), len(l.faults))
}

// checkRefreshes fails the test unless a session can be refreshed and used. Outages are sat out.
func (d *deployment) checkRefreshes(t *testing.T, s session) {
	t.Helper()
	var answer oauthclient.Answer
	eventually(t, 30*time.Second, "an answer to a refresh", func() bool {
		var err error
		answer, err = d.server.Token(t.Context(), refreshForm(s), nil)
		return err == nil && answer.Status != http.StatusServiceUnavailable
	})
	if answer.Status != http.StatusOK {
		t.Errorf("an acknowledged refresh token: %s", answer)
		return
	}
	eventually(t, 30*time.Second, "the use of its access token", func() bool {
		reply, err := d.mcp(mcpclient.Stateless, answer.Text("access_token")).Call(t.Context(), "tools/list", nil)
		if err == nil && reply.Status == http.StatusUnauthorized {
			t.Fatalf("the access token of an acknowledged refresh: %s", reply)
		}
		return err == nil && reply.Status == http.StatusOK
	})
}
