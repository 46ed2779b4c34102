package mcp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/gatehouse-auth/gatehouse/edge/mcp"
)

// stream is an answer that is still being written.
type stream struct {
	*httptest.ResponseRecorder
	leave context.CancelFunc
	done  sync.WaitGroup
}

// begin sends a request from within a synctest bubble and returns when the endpoint waits.
func (p *peer) begin(t *testing.T, method string, params map[string]any) *stream {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	s := &stream{ResponseRecorder: httptest.NewRecorder(), leave: leave}
	r := p.request(t, 1, method, params).WithContext(ctx)
	s.done.Go(func() { p.rig.endpoint.ServeHTTP(s, r) })
	synctest.Wait()
	return s
}

func (p *peer) listen(t *testing.T) *stream {
	t.Helper()
	return p.begin(t, "subscriptions/listen", map[string]any{"notifications": map[string]any{"toolsListChanged": true}})
}

// streaming runs a test in a bubble, in the version that has streams.
func streaming(t *testing.T, test func(t *testing.T, r *rig, ada *peer), change ...func(*mcp.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, change...)
		test(t, r, r.connect(t, mcpgo.ProtocolVersion20260728, "ada"))
	})
}

// Covers mcp-session-token-bind.
func TestAStreamEndsSoonAfterARevocation(t *testing.T) {
	streaming(t, func(t *testing.T, r *rig, ada *peer) {
		s := ada.listen(t)
		time.Sleep(time.Minute)
		revoked := time.Now()
		r.core.Revoke("ada")
		s.done.Wait()
		if took := time.Since(revoked); took > time.Second {
			t.Errorf("the stream went on for %v", took)
		}
	})
}

// Covers mcp-session-token-bind.
func TestAStreamEndsWithItsToken(t *testing.T) {
	streaming(t, func(t *testing.T, r *rig, ada *peer) {
		s := ada.listen(t)
		begun := time.Now()
		s.done.Wait()
		if took := time.Since(begun); took != time.Hour {
			t.Errorf("ended after %v, and the token is good for an hour", took)
		}
	})
}

func TestAnOutageEndsNoStream(t *testing.T) {
	streaming(t, func(t *testing.T, r *rig, ada *peer) {
		s := ada.listen(t)
		begun := time.Now()
		r.core.Fail(errors.New("down"))
		time.Sleep(time.Minute)
		r.core.Fail(nil)
		s.done.Wait()
		if took := time.Since(begun); took != time.Hour {
			t.Errorf("ended after %v", took)
		}
	})
}

func TestAStreamEndsWhenTheServerStops(t *testing.T) {
	streaming(t, func(t *testing.T, r *rig, ada *peer) {
		s := ada.listen(t)
		r.endpoint.Shutdown()
		s.done.Wait()
		if a := ada.look(t); a.status != http.StatusOK {
			t.Errorf("other requests are still to be answered: %d", a.status)
		}
		late := ada.listen(t)
		late.done.Wait()
		if late.Code != http.StatusServiceUnavailable || late.Header().Get("Retry-After") == "" {
			t.Errorf("a stream that comes too late: %d", late.Code)
		}
	})
}

func TestAStreamShowsThatItLives(t *testing.T) {
	streaming(t, func(t *testing.T, r *rig, ada *peer) {
		s := ada.listen(t)
		time.Sleep(time.Minute + time.Second)
		s.leave()
		s.done.Wait()
		if got := strings.Count(s.Body.String(), ": keep-alive\n\n"); got != 3 {
			t.Errorf("%d signs of life in a minute: %s", got, s.Body)
		}
		if s.Header().Get("X-Accel-Buffering") != "no" || s.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", s.Header())
		}
	})
}

// Covers mcp-body-limits.
func TestOneUserCannotHoldMoreStreamsThanTheirShare(t *testing.T) {
	streaming(t, func(t *testing.T, r *rig, ada *peer) {
		first, second := ada.listen(t), ada.listen(t)
		third := ada.listen(t)
		third.done.Wait()
		if third.Code != http.StatusTooManyRequests || third.Header().Get("Retry-After") == "" {
			t.Errorf("one stream too many: %d %s", third.Code, third.Body)
		}
		charles := r.connect(t, ada.version, "charles").listen(t)
		if charles.Code != http.StatusOK {
			t.Errorf("another user: %d", charles.Code)
		}
		first.leave()
		first.done.Wait()
		fourth := ada.listen(t)
		if fourth.Code != http.StatusOK {
			t.Errorf("after one has ended: %d %s", fourth.Code, fourth.Body)
		}
		for _, s := range []*stream{second, charles, fourth} {
			s.leave()
			s.done.Wait()
		}
	}, func(c *mcp.Config) { c.MaxStreamsPerUser = 2 })
}

func TestACallWhoseTokenEndsMeanwhileIsNoSuccess(t *testing.T) {
	forEveryVersion(t, func(t *testing.T, version string) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			s := r.connect(t, version, "ada").begin(t, "tools/call", map[string]any{"name": "wait", "arguments": map[string]any{}})
			r.core.Revoke("ada")
			s.done.Wait()
			if s.Code != http.StatusUnauthorized || !strings.Contains(s.Header().Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%d %v %s", s.Code, s.Header(), s.Body)
			}
		})
	})
}

// Covers mcp-body-limits.
func TestABodyThatTricklesInIsGivenUp(t *testing.T) {
	r := newRig(t, func(c *mcp.Config) { c.BodyTimeout = 50 * time.Millisecond })
	web := serve(t, r)
	pipe := newPipe(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, web, pipe)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer ada")
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status %d", response.StatusCode)
	}
}

// deadlines is an answer on a connection, whose deadlines stay for the next request.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error  { d.read = append(d.read, at); return nil }
func (d *deadlines) SetWriteDeadline(at time.Time) error { d.write = append(d.write, at); return nil }

func TestNoDeadlineIsLeftOnTheConnection(t *testing.T) {
	streaming(t, func(t *testing.T, r *rig, ada *peer) {
		d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		ctx, leave := context.WithTimeout(t.Context(), time.Minute)
		defer leave()
		params := map[string]any{"notifications": map[string]any{"toolsListChanged": true}}
		r.endpoint.ServeHTTP(d, ada.request(t, 1, "subscriptions/listen", params).WithContext(ctx))
		for name, set := range map[string][]time.Time{"read": d.read, "write": d.write} {
			if len(set) < 2 || set[0].IsZero() || !set[len(set)-1].IsZero() {
				t.Errorf("%s deadlines %v", name, set)
			}
		}
	})
}
