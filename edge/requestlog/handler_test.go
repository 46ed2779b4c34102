package requestlog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gatehouse-auth/gatehouse/edge/requestlog"
)

// rig runs one handler behind the request log and keeps what was logged.
type rig struct {
	http.Handler
	log bytes.Buffer
}

func newRig(next http.HandlerFunc, random io.Reader) *rig {
	g := &rig{}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	g.Handler = requestlog.NewHandler(requestlog.Deps{
		Next: next,
		Failure: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
		}),
		Logger:        slog.New(slog.NewJSONHandler(&g.log, nil)),
		ClientAddress: func(*http.Request) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, 7}) },
		Now:           func() time.Time { now = now.Add(1500 * time.Microsecond); return now },
		Random:        random,
	})
	return g
}

// lines returns the log lines whose message is msg.
func (g *rig) lines(t *testing.T, msg string) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for raw := range bytes.Lines(g.log.Bytes()) {
		var line map[string]any
		if err := json.Unmarshal(raw, &line); err != nil {
			t.Fatalf("log line %q: %v", raw, err)
		}
		if line["msg"] == msg {
			lines = append(lines, line)
		}
	}
	return lines
}

func (g *rig) line(t *testing.T) map[string]any {
	t.Helper()
	lines := g.lines(t, "request")
	if len(lines) != 1 {
		t.Fatalf("%d request lines, want 1: %s", len(lines), g.log.String())
	}
	return lines[0]
}

func eights() io.Reader {
	return strings.NewReader(strings.Repeat("\x01\x23\x45\x67\x89\xab\xcd\xef", 4))
}

func TestOneLinePerRequestWithoutWhatTheClientMaySecretlySend(t *testing.T) {
	g := newRig(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "short and stout")
	}, eights())
	r := httptest.NewRequest("POST", "/token?code=canary-query", strings.NewReader("code=canary-body"))
	r.Header.Set("Authorization", "Bearer canary-header")
	g.ServeHTTP(httptest.NewRecorder(), r)

	want := map[string]any{
		"method": "POST", "path": "/token", "client_address": "203.0.113.7", "status": 418.0, "duration_ms": 1.5, "bytes": 15.0,
		"request_id": "0123456789abcdef", "level": "INFO", "msg": "request",
	}
	line := g.line(t)
	delete(line, "time")
	for key, value := range want {
		if line[key] != value {
			t.Errorf("%s = %v, want %v", key, line[key], value)
		}
	}
	if len(line) != len(want) {
		t.Errorf("line has other fields: %v", line)
	}
	if strings.Contains(g.log.String(), "canary") {
		t.Errorf("the line leaks: %s", g.log.String())
	}
}

func TestIdentifierIsNeverTheClients(t *testing.T) {
	var seen string
	g := newRig(func(_ http.ResponseWriter, r *http.Request) { seen = requestlog.ID(r.Context()) }, eights())
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Request-Id", "mine")
	g.ServeHTTP(httptest.NewRecorder(), r)
	if seen != "0123456789abcdef" {
		t.Errorf("handler sees %q", seen)
	}
	if got := g.line(t)["status"]; got != 200.0 {
		t.Errorf("status of a handler that writes nothing = %v, want 200", got)
	}
}

func TestRequestIsServedWithoutRandomness(t *testing.T) {
	g := newRig(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		iotest.ErrReader(errors.New("no entropy")))
	rec := httptest.NewRecorder()
	g.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if rec.Code != 204 {
		t.Errorf("status = %d", rec.Code)
	}
}

func TestPathIsCappedAndCannotForgeLines(t *testing.T) {
	for _, tc := range []struct{ name, path, want string }{
		{"line break", "/a\nlevel=ERROR", "/a%0Alevel=ERROR"},
		{"terminal escape", "/\x1b[2J", "/%1B%5B2J"},
		{"not UTF-8", "/\xff", "/%FF"},
		{"bidi", "/\u202e", "/%E2%80%AE"},
		{"long", "/" + strings.Repeat("a", 4096), "/" + strings.Repeat("a", 255) + "..."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newRig(func(http.ResponseWriter, *http.Request) {}, eights())
			r := httptest.NewRequest("GET", "/", nil)
			r.URL = &url.URL{Path: tc.path}
			g.ServeHTTP(httptest.NewRecorder(), r)
			if got := g.line(t)["path"]; got != tc.want {
				t.Errorf("path = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestPanicBecomesA500WithOneLineAndOneStack(t *testing.T) {
	g := newRig(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/half-done")
		panic("boom")
	}, eights())
	rec := httptest.NewRecorder()
	g.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))

	if rec.Code != 500 || rec.Header().Get("Location") != "" {
		t.Errorf("answer = %d %v, want a bare 500", rec.Code, rec.Header())
	}
	if got := g.line(t)["status"]; got != 500.0 {
		t.Errorf("logged status = %v", got)
	}
	panics := g.lines(t, "panic in a request handler")
	if len(panics) != 1 {
		t.Fatalf("%d panic lines, want 1", len(panics))
	}
	if p := panics[0]; p["panic"] != "boom" || p["request_id"] != "0123456789abcdef" ||
		!strings.Contains(p["stack"].(string), "handler_test.go") {
		t.Errorf("panic line = %v", p)
	}
}

func TestPanicAfterTheAnswerBeganCutsTheConnection(t *testing.T) {
	for _, tc := range []struct {
		name    string
		handler http.HandlerFunc
		panics  int
	}{
		{"half an answer", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "half"); panic("boom") }, 1},
		{"flushed header", func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); panic("boom") }, 1},
		{"deliberate abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newRig(tc.handler, eights())
			defer func() {
				if cause, _ := recover().(error); !errors.Is(cause, http.ErrAbortHandler) {
					t.Errorf("panic = %v, want http.ErrAbortHandler", cause)
				}
				g.line(t)
				if got := len(g.lines(t, "panic in a request handler")); got != tc.panics {
					t.Errorf("%d panic lines, want %d", got, tc.panics)
				}
			}()
			g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		})
	}
}

func TestStreamingWorksThroughTheLog(t *testing.T) {
	g := newRig(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
			t.Errorf("the connection is out of reach: %v", err)
		}
	}, eights())
	server := httptest.NewServer(g)
	res, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || string(body) != "data: 1\n\n" {
		t.Errorf("body = %q, %v", body, err)
	}
	res.Body.Close()
	server.Close() // waits for the handler, and so for its line
	if got := g.line(t)["status"]; got != 200.0 {
		t.Errorf("logged status = %v, want 200: 103 is not final", got)
	}
}
