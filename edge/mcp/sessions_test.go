package mcp_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/gatehouse-auth/gatehouse/edge/mcp"
)

// forEverySessionVersion is forEveryVersion without those that know no sessions.
func forEverySessionVersion(t *testing.T, test func(t *testing.T, version string)) {
	t.Helper()
	for _, version := range mcpgo.LegacyProtocolVersions() {
		t.Run(version, func(t *testing.T) { test(t, version) })
	}
}

// Covers mcp-session-hijack.
func TestASessionOfSomebodyElseIsUnknown(t *testing.T) {
	r := newRig(t)
	other := token("ada")
	other.ClientID = "client-2"
	r.core.Issue("ada-elsewhere", other)
	forEverySessionVersion(t, func(t *testing.T, version string) {
		ada := r.connect(t, version, "ada")
		for _, thief := range []string{"charles", "ada-elsewhere"} {
			p := &peer{rig: r, version: version, token: thief, session: ada.session}
			for _, method := range []string{"tools/list", "tools/call", "ping", "logging/setLevel", "no/such/method"} {
				if a := p.send(t, method, map[string]any{"name": "look"}); a.status != http.StatusNotFound {
					t.Errorf("%s with the session of ada, %s: %d %s", thief, method, a.status, a.body)
				}
			}
			for _, method := range []string{"notifications/initialized", "notifications/cancelled"} {
				if a := p.notify(t, method, map[string]any{"requestId": 1}); a.status != http.StatusNotFound {
					t.Errorf("%s, %s: %d", thief, method, a.status)
				}
			}
			response := p.do(p.raw(http.MethodPost, []byte(`{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}`)))
			if response.status != http.StatusNotFound {
				t.Errorf("%s answered a question to ada: %d", thief, response.status)
			}
			if a := p.do(p.raw(http.MethodDelete, nil)); a.status != http.StatusNotFound {
				t.Errorf("%s deleted the session of ada: %d", thief, a.status)
			}
			if a := p.do(p.raw(http.MethodGet, nil)); a.status != http.StatusMethodNotAllowed {
				t.Errorf("%s opened the stream of ada: %d", thief, a.status)
			}
		}
		if a := ada.look(t); a.status != http.StatusOK || !strings.Contains(a.body, "sub-ada") {
			t.Errorf("the owner: %d %s", a.status, a.body)
		}
	})
}

// Covers mcp-session-hijack: in 2026-07-28 the header means nothing.
func TestTheSessionHeaderIsIgnoredWhereThereAreNoSessions(t *testing.T) {
	r := newRig(t)
	ada := r.connect(t, mcpgo.ProtocolVersion20251125, "ada")
	charles := &peer{rig: r, version: mcpgo.ProtocolVersion20260728, token: "charles", session: ada.session}
	a := charles.look(t)
	if a.status != http.StatusOK || !strings.Contains(a.body, "sub-charles") || a.header.Get("Mcp-Session-Id") != "" {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	if a := charles.do(charles.raw(http.MethodDelete, nil)); a.status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", a.status)
	}
	if a := ada.look(t); a.status != http.StatusOK {
		t.Errorf("the session is gone: %d", a.status)
	}
}

// Covers mcp-session-hijack: mcp-go looks a request of 2026-07-28 up by its identifier alone.
func TestNobodyCancelsTheRequestOfSomebodyElse(t *testing.T) {
	r := newRig(t)
	forEveryVersion(t, func(t *testing.T, version string) {
		ada, charles := r.connect(t, version, "ada"), r.connect(t, version, "charles")
		entered, proceed := make(chan struct{}), make(chan struct{})
		r.onHold = func() { close(entered); <-proceed }
		var calling sync.WaitGroup
		calling.Go(func() {
			a := ada.send(t, "tools/call", map[string]any{"name": "hold", "arguments": map[string]any{}})
			if a.status != http.StatusOK || !strings.Contains(a.body, "not cancelled") {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
		<-entered
		if a := charles.notify(t, "notifications/cancelled", map[string]any{"requestId": 1}); a.status != http.StatusAccepted {
			t.Errorf("%d %s", a.status, a.body)
		}
		close(proceed)
		calling.Wait()
	})
}

func TestASessionIsNeverAuthentication(t *testing.T) {
	r := newRig(t)
	forEverySessionVersion(t, func(t *testing.T, version string) {
		p := r.connect(t, version, "ada")
		p.token = ""
		if a := p.look(t); a.status != http.StatusUnauthorized {
			t.Errorf("%d", a.status)
		}
	})
}

// Covers mcp-session-token-bind.
func TestASessionSurvivesARefreshAndNotARevocation(t *testing.T) {
	forEverySessionVersion(t, func(t *testing.T, version string) {
		r := newRig(t)
		p := r.connect(t, version, "ada")
		r.core.Issue("ada-refreshed", token("ada"))
		r.core.Revoke("ada")
		if a := p.look(t); a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("a revoked token with a living session: %d", a.status)
		}
		p.token = "ada-refreshed"
		if a := p.look(t); a.status != http.StatusOK {
			t.Errorf("the refreshed token lost the session: %d %s", a.status, a.body)
		}
	})
}

func TestASessionEndsWhenItsOwnerSaysSo(t *testing.T) {
	r := newRig(t)
	forEverySessionVersion(t, func(t *testing.T, version string) {
		p := r.connect(t, version, "ada")
		if a := p.do(p.raw(http.MethodDelete, nil)); a.status != http.StatusOK {
			t.Errorf("DELETE: %d %s", a.status, a.body)
		}
		if a := p.look(t); a.status != http.StatusNotFound {
			t.Errorf("after the end: %d", a.status)
		}
		if a := p.do(p.raw(http.MethodDelete, nil)); a.status != http.StatusNotFound {
			t.Errorf("DELETE again: %d", a.status)
		}
	})
}

func TestWithoutASessionAClientIsToldToInitialize(t *testing.T) {
	r := newRig(t)
	forEverySessionVersion(t, func(t *testing.T, version string) {
		p := &peer{rig: r, version: version, token: "ada"}
		if a := p.look(t); a.status != http.StatusBadRequest || !strings.Contains(a.body, "Mcp-Session-Id") {
			t.Errorf("no session: %d %s", a.status, a.body)
		}
		for _, guess := range []string{"x", "mcp-session-00000000-0000-0000-0000-000000000000", strings.Repeat("a", 8<<10)} {
			p.session = guess
			if a := p.look(t); a.status != http.StatusNotFound {
				t.Errorf("%.20q: %d %s", guess, a.status, a.body)
			}
		}
	})
}

func TestTheVersionThatAClientAsksForIsSpoken(t *testing.T) {
	r := newRig(t)
	forEverySessionVersion(t, func(t *testing.T, version string) {
		p := &peer{rig: r, version: version, token: "ada"}
		a := p.send(t, "initialize", map[string]any{"protocolVersion": version, "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "x", "version": "1"}})
		if !strings.Contains(a.body, `"protocolVersion":"`+version+`"`) || !strings.Contains(a.body, `"name":"Sample"`) {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestSessionsAreBoundedAndEndForMcpGoToo(t *testing.T) {
	now := time.Now()
	r := newRig(t, func(c *mcp.Config) { c.MaxSessions, c.MaxSessionsPerUser, c.SessionIdle = 3, 2, time.Minute })
	r.now = func() time.Time { return now }
	r.build(t)

	first := r.connect(t, mcpgo.ProtocolVersion20251125, "ada")
	for range 10 {
		r.connect(t, mcpgo.ProtocolVersion20251125, "ada")
	}
	if a := first.look(t); a.status != http.StatusNotFound {
		t.Errorf("one more than the share: %d", a.status)
	}
	charles := r.connect(t, mcpgo.ProtocolVersion20251125, "charles")
	if got := r.registered(); got != 3 {
		t.Errorf("mcp-go holds %d sessions, and 3 are open", got)
	}
	full := (&peer{rig: r, version: mcpgo.ProtocolVersion20251125, token: "charles"}).send(t, "initialize", nil)
	if full.status != http.StatusServiceUnavailable || full.header.Get("Retry-After") == "" {
		t.Errorf("a full room: %d %s", full.status, full.body)
	}
	if a := charles.look(t); a.status != http.StatusOK {
		t.Errorf("a living session was ended for another: %d", a.status)
	}
	now = now.Add(time.Minute)
	if a := charles.look(t); a.status != http.StatusNotFound {
		t.Errorf("an idle session: %d", a.status)
	}
	r.connect(t, mcpgo.ProtocolVersion20251125, "charles")
	if got := r.registered(); got != 1 {
		t.Errorf("mcp-go holds %d sessions, and 1 is open", got)
	}
}

func TestASessionThatIsPushedOutWhileItOpensLeavesNothingBehind(t *testing.T) {
	r := newRig(t, func(c *mcp.Config) { c.MaxSessionsPerUser = 1 })
	r.onInitialize = func() {
		r.onInitialize = func() {}
		r.connect(t, mcpgo.ProtocolVersion20251125, "ada")
	}
	(&peer{rig: r, version: mcpgo.ProtocolVersion20251125, token: "ada"}).send(t, "initialize", nil)
	if got := r.registered(); got != 1 {
		t.Errorf("mcp-go holds %d sessions, and 1 is open", got)
	}
}
